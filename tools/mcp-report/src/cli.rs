//! The command line of mcp-report.

use crate::gate::Gate;
use crate::objective::Objective;
use crate::outcome::Class;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Turns a stream into a report and a verdict.
///
/// Reads records from stdin, or from files, until the end. Prints the report, and answers with its exit status:
/// 0 PASS · 1 FAIL · 2 wrong usage, or a tool of the pipeline failed · 3 INVALID, torn or not judged · 128+signal.
#[derive(Parser, Debug)]
#[command(name = "mcp-report", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// Streams to read; `-` is stdin, which is also the default. Several are read as parts of one run.
    pub files: Vec<PathBuf>,

    /// Fail when this is so: `FIGURE[{label="value",…}] OP VALUE` (repeatable).
    #[arg(long, value_name = "GATE")]
    pub fail_if: Vec<Gate>,

    /// Count this class of error as ok in `error_rate`, `rate` and `errors` (repeatable).
    #[arg(long, value_name = "CLASS")]
    pub expect: Vec<Class>,

    /// The share of calls that is to succeed; what it lets fail in the run is the error budget that `budget_burnt` of a
    /// fault is a share of.
    #[arg(long, value_name = "SHARE", default_value = "99.9%")]
    pub objective: Objective,

    /// The form of the report on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Write the verdict with the whole report as JSON into this file, too.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// The stage to show, or `all` (warm-up and the like too); gates without a stage label always judge what was
    /// asked to be measured: all stages but connect, warm-up and drain, their calls taken together; of a search for a
    /// knee, the steps that met its condition. One stage of several
    /// is judged with a label: 'p99{stage="hold-2"} > 200ms'.
    #[arg(long, value_name = "all|NAME")]
    pub stage: Option<String>,

    /// Say nothing on stderr but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How stdout looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Table,
    /// One line: the `verdict` record, the whole report in it.
    Json,
    /// For a merge request or a job's summary.
    Markdown,
}

const AFTER_HELP: &str = "\
Figures of a gate:
  p50 p90 p95 p99 p99.9 max mean min   response time of ok calls (due to done); a latency such as 200ms
  service.p99 lag.p99 wait.p99 connect.p99 …   the same of another span
  tcp.p99 tls.p99 handshake.p99   of a part of a connection's set-up; first.p99 gap.p99 last.p99   of an answer over HTTP
  notification.p99   from a change to its notification; notification_gap.p99 progress_gap.p99   between two of them
  error_rate   all outcomes but ok, cancelled and input_required, over all but shed; a share such as 1%
  rate         calls that were ok within their stage, per second, such as 2400/s
  achieved     sent over scheduled; a share
  errors scheduled ok   counts; errors{class=\"timeout\"} is one class of them
  knee         the rate that mcp-gen --find-knee found, such as 1000/s
  executed_twice never_executed ok_never_executed failed_executed   counts of mcp-gen --audit
  recovery_time  from the end of a fault (of a kill, its begin) until the load was back; detect_time until it showed
  calls_lost   calls that failed of it; budget_burnt   its share of the error budget, such as 50%
               the worst over all faults, or those of {fault=\"f1\"} or {kind=\"kill\"}; see docs/RECOVERY.md
Labels: method, tool, stage, profile; class (of errors); target (of counts and shares, not of latencies).
Timeouts and lost connections count as slower than any limit; a percentile needs 20/(1-q) calls to be judged.

Examples:
  mcp-deploy local | mcp-gen --for 30s | mcp-report --fail-if 'p99 > 200ms' --fail-if 'error_rate > 1%'
  mcp-report run.jsonl --fail-if 'p99{method=\"tools/call\"} > 50ms' --format markdown
  mcp-report run.jsonl --fail-if 'recovery_time > 5s' --fail-if 'budget_burnt > 50%' --objective 99.5%
  mcp-report run.jsonl --format json | jq .verdict";
