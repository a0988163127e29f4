//! The verdict as a record, the whole report in it.

use crate::conclude::Conclusion;
use crate::gate::{Judged, State};
use record::kind::{Gate, Verdict};
use record::{Identity, MAX_LINE_BYTES, cut};
use serde_json::{Value, json};

/// A record must stay below 1 MiB; the rest is for its envelope.
const MAX_REPORT_BYTES: usize = MAX_LINE_BYTES - 128 * 1024;
/// Rows of a stage that stay when even without histograms the report is too long.
const MAX_ROWS: usize = 50;

/// The line of the `verdict` record, with its `\n`.
///
/// It has no clock and no dice: its instant is the last of the stream, its instance comes from the run's id, so that
/// the same stream gives the same line.
pub fn line(of: &Conclusion) -> serde_json::Result<Vec<u8>> {
    let run = of.report.run.run.clone().unwrap_or_default();
    let from = format!("mcp-report#{:06x}", hash(&run) & 0xff_ffff);
    let mut line = Vec::new();
    let verdict = record(of)?;
    Identity { run, from }.encode(0, of.ts_us, &verdict.into(), &mut line);
    Ok(line)
}

/// The same record, indented.
pub fn pretty(of: &Conclusion) -> serde_json::Result<Vec<u8>> {
    let value: Value = serde_json::from_slice(&line(of)?)?;
    let mut text = serde_json::to_vec_pretty(&value)?;
    text.push(b'\n');
    Ok(text)
}

fn record(of: &Conclusion) -> serde_json::Result<Verdict> {
    Ok(Verdict {
        verdict: of.verdict.word.as_str().to_owned(),
        reasons: of
            .verdict
            .reasons
            .iter()
            .take(100)
            .cloned()
            .map(cut)
            .collect(),
        gates: of.gates.iter().map(gate).collect(),
        report: Some(fitting(serde_json::to_value(&of.report)?)),
    })
}

fn gate(judged: &Judged) -> Gate {
    let state = match judged.state {
        State::Pass => "pass",
        State::Fail => "fail",
        State::TooFew => "too few samples",
        State::NotJudged => "not judged",
    };
    Gate {
        gate: judged.gate.clone(),
        state: state.to_owned(),
        value: judged.value,
        unit: Some(judged.unit.in_record().to_owned()),
        text: judged.text.clone().map(cut),
    }
}

/// Makes a report short enough for a line: first the rows' histograms go, then rows, then lists.
fn fitting(mut report: Value) -> Value {
    let too_long = |v: &Value| v.to_string().len() > MAX_REPORT_BYTES;
    if too_long(&report) {
        each_stage(&mut report, |stage| {
            strip_hdr(&mut stage["rows"]);
        });
        report["shortened"] = json!("the histograms of single rows were left out");
    }
    if too_long(&report) {
        each_stage(&mut report, |stage| {
            for list in ["rows", "targets"] {
                shorten(&mut stage[list]);
            }
            strip_hdr(&mut stage["total"]);
        });
        for list in [
            "stages", "warnings", "events", "faults", "tools", "dialects",
        ] {
            shorten(&mut report[list]);
        }
        shorten(&mut report["intervals_checked"]["mismatches"]);
        report["shortened"] = json!("histograms, and rows beyond 50 of a list, were left out");
    }
    if too_long(&report) {
        report = json!({ "shortened": "the report was longer than 1 MiB and was left out" });
    }
    report
}

fn each_stage(report: &mut Value, change: impl FnMut(&mut Value)) {
    if let Some(stages) = report["stages"].as_array_mut() {
        stages.iter_mut().for_each(change);
    }
}

fn shorten(list: &mut Value) {
    if let Some(items) = list.as_array_mut() {
        items.truncate(MAX_ROWS);
    }
}

fn strip_hdr(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("hdr");
            fields.values_mut().for_each(strip_hdr);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_hdr),
        _ => {}
    }
}

/// FNV-1a: short, and the same everywhere and for ever.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}
