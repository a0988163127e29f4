//! From what the stream said to report and verdict.

use crate::cli::Cli;
use crate::gate::{self, Judged, State};
use crate::health;
use crate::outcome::Expected;
use crate::recovery::Recovery;
use crate::report::{self, Report};
use crate::run::{Figures, Run};
use crate::verdict::{Grounds, Verdict};

/// All there is to say.
pub struct Conclusion {
    pub verdict: Verdict,
    pub gates: Vec<Judged>,
    pub report: Report,
    /// Sentences that belong on stderr in any case.
    pub fatal: Vec<String>,
    /// The latest `ts_us` of the stream: the report's own instant, so that it has no clock of its own.
    pub ts_us: u64,
}

/// Judges a run. `signalled`: a signal asked mcp-report itself to end.
pub fn conclude(run: &Run, cli: &Cli, signalled: bool) -> Conclusion {
    let expected = Expected::new(&cli.expect);
    let rows = run.rows();
    let checked = run.check();
    let recovery = Recovery::of(run, &expected, cli.objective.0);
    let mut measured = Figures::default();
    for (_, row) in rows
        .iter()
        .filter(|(k, _)| k.is_calls() && run.is_measured(&k.stage))
    {
        measured.add_calls(row);
    }
    let interrupted = signalled || run.is_interrupted();
    let fatal = fatal(run);
    let mut gates: Vec<Judged> = cli
        .fail_if
        .iter()
        .map(|g| gate::judge(g, run, &rows, &recovery, &expected))
        .collect();
    let saturated = health::saturated(run, &measured, &gates);
    if interrupted || !fatal.is_empty() {
        for gate in &mut gates {
            gate.state = State::NotJudged;
        }
    }
    let mut torn = run.torn();
    let whole = torn.is_empty();
    torn.extend(
        checked
            .mismatches
            .iter()
            .map(|m| format!("the stream lost records: {m}")),
    );
    let verdict = Verdict::of(Grounds {
        fatal: fatal.clone(),
        interrupted,
        torn,
        saturated,
        gates: &gates,
        measured: measured.counts.scheduled > 0,
    });
    let state = report::State { interrupted, whole };
    let report = report::build(run, &rows, checked, &recovery, state, &expected);
    Conclusion {
        verdict,
        gates,
        report,
        fatal,
        ts_us: run.last_ts_us,
    }
}

/// Why a tool gave up, or why there is nothing to report.
fn fatal(run: &Run) -> Vec<String> {
    let mut sentences: Vec<String> = run
        .warnings
        .fatal()
        .map(|seen| {
            let tool = seen.from.split('#').next().unwrap_or(&seen.from);
            let remedy = seen
                .warning
                .remedy
                .as_ref()
                .map(|r| format!("; {r}"))
                .unwrap_or_default();
            format!("{tool}: {}{remedy}", seen.warning.text)
        })
        .collect();
    for (from, exit) in run.tools.failed() {
        if !run.warnings.fatal().any(|seen| seen.from == from) {
            sentences.push(format!(
                "{from} failed with exit status {exit}; its own words are on stderr"
            ));
        }
    }
    if sentences.is_empty() && run.generator_names().is_empty() {
        sentences.push(
            "no generator in the stream: pipe mcp-gen into me, as in mcp-deploy local | mcp-gen --for 10s | mcp-report; where it stands there already, it gave up before its first word, and says why on stderr"
                .to_owned(),
        );
    }
    sentences
}
