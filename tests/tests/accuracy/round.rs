//! A round: a server with a known truth, a load on it, the report, and the same figures sorted out of the truth.

use crate::truth::{Key, Truth};
use pipe_tests::{Folder, PATIENCE, Server, tools, until};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Command, Stdio};

/// What is measured.
pub struct Scene<'a> {
    /// Options of `mcp-deploy serve`.
    pub server: &'a [&'a str],
    /// `ws`, `http` (in the era that the server prefers), `legacy` and `modern` (http in that era), `sse`, `tcp` or `stdio`.
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

/// Fewer calls say nothing about the tail: a p99 wants as many.
const ENOUGH_CALLS: usize = 2_000;

impl Round {
    /// Runs it; again, up to three times, where the disk took records of calls slower than they came: they are dropped
    /// and counted then, and what is missing cannot be joined.
    ///
    /// # Panics
    /// Where something went wrong that no machine's load explains.
    pub fn run(scene: &Scene<'_>) -> Self {
        for _ in 0..3 {
            match Self::once(scene) {
                Ok(round) => return round,
                Err(dropped) => println!("{dropped} records of calls were dropped; once more"),
            }
        }
        panic!("records of calls were dropped in each of three runs");
    }

    /// One run; the error is how many records were dropped.
    fn once(scene: &Scene<'_>) -> Result<Self, Value> {
        let folder = Folder::new();
        // Calls are joined by their tokens, which --audit gives them: ids repeat, and a pipe has no port.
        let audit = path(&folder, "audit.jsonl");
        let (_server, target) = serve(scene, &folder, &audit);
        let stream = folder.path().join("run.jsonl");
        let gen_status = Command::new(tools().join("mcp-gen"))
            .args(target)
            .args(["--for", scene.span, "--calls", "all", "--seed", "1"])
            .args(["--audit", &audit])
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
        let text = std::fs::read_to_string(&stream).expect("the stream");
        // Calls are many, and read into what is needed of them.
        let (of_calls, others): (Vec<&str>, Vec<&str>) = text
            .lines()
            .partition(|line| line.contains("\"type\":\"call\""));
        let records: Vec<Value> = others
            .into_iter()
            .map(|line| serde_json::from_str(line).expect("records are JSON"))
            .collect();
        let dropped = &one(&records, "end")["dropped"];
        if *dropped != 0 {
            return Err(dropped.clone());
        }
        let calls = answered_calls(&of_calls);
        let mut truth = Truth::read(folder.path());
        until("the truth holds all calls", PATIENCE, || {
            let is_whole = calls.iter().all(|c| truth.answered_us(c.key).is_some());
            if !is_whole {
                truth = Truth::read(folder.path());
            }
            is_whole
        });
        let ready = one(&records, "ready");
        assert_eq!(ready["boot_id"], truth.boot_id(), "one clock for both");
        let unix_minus_mono_us = us(ready, "t0_us") - us(ready, "t0_mono_us");
        let mut sorted: BTreeMap<Row, Vec<i64>> = BTreeMap::new();
        for call in &calls {
            let answered_us = truth.answered_us(call.key).expect("joined") as i64;
            let response_us = answered_us - (call.due_us as i64 - unix_minus_mono_us);
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
        Ok(Self {
            verdict,
            truth: sorted,
        })
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

/// Starts the server of a scene, where mcp-gen does not do it itself, and says how mcp-gen finds it.
fn serve(scene: &Scene<'_>, folder: &Folder, audit: &str) -> (Option<Server>, Vec<String>) {
    if scene.transport == "stdio" {
        // The one that is asked what it offers is another process than the one that is called.
        let command = format!(
            "exec {} serve --stdio {} --audit {audit} --truth {}/truth-$$.jsonl",
            tools().join("mcp-deploy").display(),
            scene.server.join(" "),
            folder.path().display()
        );
        return (None, vec!["--stdio".to_owned(), command]);
    }
    let truth = path(folder, "truth-1.jsonl");
    let own = ["--truth", &truth, "--audit", audit];
    let lines: &[&str] = match scene.transport {
        "tcp" => &["--listen-tcp", "127.0.0.1:0"],
        _ => &[],
    };
    let server = Server::start(&[scene.server, &own, lines].concat());
    let target: Vec<String> = match scene.transport {
        "ws" => vec!["--url".to_owned(), server.ws()],
        "tcp" => vec!["--url".to_owned(), server.tcp()],
        "sse" => vec!["--url".to_owned(), server.sse()],
        era => {
            let era = if era == "http" { "auto" } else { era };
            let asked = ["--protocol", era, "--url"].map(str::to_owned);
            asked.into_iter().chain([server.http()]).collect()
        }
    };
    (Some(server), target)
}

fn path(folder: &Folder, name: &str) -> String {
    let path = folder.path().join(name);
    path.to_str().expect("a path in UTF-8").to_owned()
}

struct AnsweredCall {
    key: Key,
    row: Row,
    due_us: u64,
}

/// What is needed of a `call` record.
#[derive(Deserialize)]
struct CallRecord {
    stage: String,
    outcome: String,
    method: String,
    tool: Option<String>,
    client: u64,
    index: u64,
    due_us: u64,
}

/// The ok calls of the stage that is judged.
fn answered_calls(lines: &[&str]) -> Vec<AnsweredCall> {
    let calls = lines
        .iter()
        .map(|line| serde_json::from_str::<CallRecord>(line).expect("a call record"));
    calls
        .filter(|call| call.stage == "steady" && call.outcome == "ok")
        .map(|call| AnsweredCall {
            key: (call.client, call.index),
            row: (call.method, call.tool.unwrap_or_default()),
            due_us: call.due_us,
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
