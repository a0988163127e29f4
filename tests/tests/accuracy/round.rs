//! A round: a server with a known truth, a load on it, the report, and the same figures sorted out of the truth.

use crate::truth::Truth;
use pipe_tests::{Folder, PATIENCE, Server, tools, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Command, Stdio};

/// What is measured.
pub struct Scene<'a> {
    /// Options of `mcp-deploy serve`.
    pub server: &'a [&'a str],
    /// `ws` or `http`.
    pub transport: &'a str,
    /// Options of mcp-gen.
    pub load: &'a [&'a str],
    /// How long the stage is that is judged.
    pub span: &'a str,
}

/// Who a row of the report is about: method and tool; empty for the total.
pub type Row = (String, String);

/// What came of it.
pub struct Round {
    verdict: Value,
    /// Sorted response times in microseconds, out of the truth.
    truth: BTreeMap<Row, Vec<i64>>,
}

/// Fewer calls say nothing about the tail.
const ENOUGH_CALLS: usize = 5_000;

impl Round {
    /// Runs it.
    pub fn run(scene: &Scene<'_>) -> Self {
        let folder = Folder::new();
        let truth_path = folder.path().join("truth.jsonl");
        let truth_file = truth_path.to_str().expect("a path in UTF-8");
        let server = Server::start(&[scene.server, &["--truth", truth_file]].concat());
        let url = match scene.transport {
            "ws" => server.ws(),
            _ => server.http(),
        };
        let stream = folder.path().join("run.jsonl");
        let gen_status = Command::new(tools().join("mcp-gen"))
            .args([
                "--url", &url, "--for", scene.span, "--calls", "all", "--seed", "1",
            ])
            // Set-up is over long before the first stall, which begins 9 s after the server.
            .args(["--connect-for", "1s", "--warmup", "500ms", "--quiet"])
            .args(scene.load)
            .stdin(Stdio::null())
            .stdout(File::create(&stream).expect("a file"))
            .status()
            .expect("mcp-gen starts");
        assert!(gen_status.success(), "mcp-gen: {gen_status}");
        let report = Command::new(tools().join("mcp-report"))
            .args(["--format", "json", "--fail-if", "p99 > 5s"])
            .arg(&stream)
            .output()
            .expect("mcp-report starts");
        let verdict = serde_json::from_slice(&report.stdout).unwrap_or_else(|e| {
            panic!("{e}: {}", String::from_utf8_lossy(&report.stderr));
        });
        let records: Vec<Value> = std::fs::read_to_string(&stream)
            .expect("the stream")
            .lines()
            .map(|line| serde_json::from_str(line).expect("records are JSON"))
            .collect();
        let calls = answered_calls(&records);
        let mut truth = Truth::read(&truth_path);
        until("the truth holds all calls", PATIENCE, || {
            truth = Truth::read(&truth_path);
            calls.iter().all(|c| truth.answered_us(c.key).is_some())
        });
        let ready = one(&records, "ready");
        assert_eq!(ready["boot_id"], truth.boot_id(), "one clock for both");
        let unix_minus_mono_us = us(ready, "t0_us") - us(ready, "t0_mono_us");
        let mut sorted: BTreeMap<Row, Vec<i64>> = BTreeMap::new();
        for call in &calls {
            let answered_us = truth.answered_us(call.key).expect("joined") as i64;
            let response_us = answered_us - (call.due_us - unix_minus_mono_us);
            sorted
                .entry(call.row.clone())
                .or_default()
                .push(response_us);
            sorted.entry(Row::default()).or_default().push(response_us);
        }
        sorted.values_mut().for_each(|all| all.sort_unstable());
        let steady = measured(&verdict);
        assert_eq!(
            Some(sorted[&Row::default()].len() as u64),
            steady["total"]["ok"].as_u64(),
            "every ok call of the report is known to the truth"
        );
        assert!(sorted[&Row::default()].len() >= ENOUGH_CALLS);
        Self {
            verdict,
            truth: sorted,
        }
    }

    /// PASS, FAIL or INVALID, with the reasons.
    pub fn verdict(&self) -> String {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let reasons = self.verdict["reasons"].as_array();
        let reasons: Vec<_> = reasons.into_iter().flatten().map(text).collect();
        [vec![text(&self.verdict["verdict"])], reasons]
            .concat()
            .join("; ")
    }

    /// A histogram of the stage's total as reported: `response` or `service`.
    pub fn total(&self, name: &str) -> &Value {
        &measured(&self.verdict)["total"][name]
    }

    /// How many rows the report has besides the total.
    pub fn rows(&self) -> usize {
        self.truth.len() - 1
    }

    /// Each row's sorted truth, and the response histogram that was reported.
    pub fn pairs(&self) -> impl Iterator<Item = (&Row, &[i64], &Value)> {
        let stage = measured(&self.verdict);
        self.truth.iter().map(move |(row, truth)| {
            let reported = if *row == Row::default() {
                &stage["total"]["response"]
            } else {
                let rows = stage["rows"].as_array().expect("rows");
                let of = |r: &&Value| (name(r, "method"), name(r, "tool")) == *row;
                &rows.iter().find(of).expect("a row of the report")["response"]
            };
            (row, truth.as_slice(), reported)
        })
    }
}

struct AnsweredCall {
    key: crate::truth::Key,
    row: Row,
    due_us: i64,
}

/// The ok calls of the stage that is judged; asserts that no record of a call is missing.
fn answered_calls(records: &[Value]) -> Vec<AnsweredCall> {
    let steady = |r: &&Value| r["type"] == "call" && r["stage"] == "steady";
    let all: Vec<_> = records.iter().filter(steady).collect();
    assert_eq!(
        one(records, "end")["dropped"],
        0,
        "no call's record is missing"
    );
    all.into_iter()
        .filter(|call| call["outcome"] == "ok")
        .map(|call| AnsweredCall {
            key: (us(call, "local_port") as u64, us(call, "id") as u64),
            row: (name(call, "method"), name(call, "tool")),
            due_us: us(call, "due_us"),
        })
        .collect()
}

fn measured(verdict: &Value) -> &Value {
    let stages = verdict["report"]["stages"].as_array().expect("stages");
    let is_steady = |s: &&Value| s["stage"] == "steady";
    stages.iter().find(is_steady).expect("the steady stage")
}

fn one<'a>(records: &'a [Value], kind: &str) -> &'a Value {
    let mut of_kind = records.iter().filter(|r| r["type"] == kind);
    of_kind.next().unwrap_or_else(|| panic!("no {kind} record"))
}

fn us(record: &Value, field: &str) -> i64 {
    let value = record[field].as_i64();
    value.unwrap_or_else(|| panic!("{field} is missing in {record}"))
}

fn name(record: &Value, field: &str) -> String {
    record[field].as_str().unwrap_or_default().to_owned()
}
