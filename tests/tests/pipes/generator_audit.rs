//! The audit: each call is found in the servers' files, once, on every transport; what happened twice, never, or unseen is
//! told, and so is a file that somebody has tampered with.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    Folder, Pipeline, Running, Server, Stream, assert_conserved, assert_intervals_add_up, until,
};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What gates say when an audit finds nothing amiss.
const GATES: &str = "--fail-if 'executed_twice > 0' --fail-if 'ok_never_executed > 0'";

fn path(folder: &Folder, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// Runs a load on a server that writes down what it executes, and gives the stream and the verdict.
fn audited(url: &str, options: &str) -> (Stream, Value) {
    let pace = if options.contains("--closed") {
        "--think 10ms"
    } else {
        "--rate 50/s"
    };
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --clients 4 {pace} --connect-for 300ms --warmup 0s --for 1s -q {options} \
         | tee run.jsonl | mcp-report -q --json report.json {GATES}"
    ))
    .run();
    let verdict = run.verdict("report.json");
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
    (stream, verdict)
}

#[track_caller]
fn gate<'a>(verdict: &'a Value, begin: &str) -> &'a str {
    let gates = verdict["gates"].as_array().unwrap().iter();
    let of = |g: &&Value| g["gate"].as_str().unwrap().starts_with(begin);
    let gate = gates.clone().find(of);
    gate.unwrap_or_else(|| panic!("{verdict:#}"))["state"]
        .as_str()
        .unwrap()
}

#[test]
fn each_call_was_executed_once_on_every_transport_in_both_eras() {
    let folder = Folder::new();
    let file = path(&folder, "seen.jsonl");
    // What another run has left there does not count.
    std::fs::write(
        &file,
        "{\"token\":\"old/1/0/0\",\"id\":1,\"method\":\"ping\"}\n",
    )
    .unwrap();
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0", "--audit", &file]);
    let mut before = 1;
    for (url, options) in [
        (server.ws(), "--threads 2"),
        (server.http(), "--closed --threads 1"),
        (server.http(), "--protocol modern"),
        (server.ws(), "--protocol modern --arrivals poisson"),
        (server.http(), "--protocol 2025-03-26 --batch 4"),
        (server.sse(), ""),
        (server.tcp(), "--method tools/call"),
    ] {
        let (stream, verdict) = audited(&url, &format!("{options} --audit {file}"));
        let totals = stream.totals();
        let audit = &totals["audit"];
        let ok = totals["ok"].as_u64().unwrap();
        assert!(ok > 0, "{url} {options}: {totals}");
        let expected = json!({
            "files": 1, "lines": ok, "calls": ok, "executed_once": ok, "executed_twice": 0, "never_executed": 0,
            "ok_never_executed": 0, "failed_executed": 0, "unknown_lines": 0, "foreign_lines": before, "unreadable_lines": 0,
        });
        assert_eq!(*audit, expected, "{url} {options}");
        assert_eq!(verdict["report"]["audits"], json!([expected]));
        assert_eq!(gate(&verdict, "executed_twice"), "pass");
        assert_eq!(gate(&verdict, "ok_never_executed"), "pass");
        before += ok;
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap().lines().count() as u64,
        before
    );
}

/// The pid of a target, as the stream says it.
fn pid(running: &Running, name: &str) -> i32 {
    let stream = Stream::parse(&running.folder().read("run.jsonl"));
    let targets = stream.of("target");
    let target = targets.iter().find(|t| t["name"] == name).unwrap();
    target["pid"].as_i64().unwrap() as i32
}

#[test]
fn what_a_killed_server_had_executed_is_known_though_no_answer_came() {
    // Calls take so long that many are under way whenever it is killed.
    let running = Pipeline::new(
        "mcp-deploy local -n 2 --audit seen -- --latency 300ms | mcp-gen --audit seen --clients 4 --rate 50/s --connect-for 500ms \
         --warmup 0s --for 3s --interval 200ms | tee -i run.jsonl | mcp-report --json report.json --fail-if 'executed_twice > 0' \
         --fail-if 'failed_executed == 0'",
    )
    .start();
    running.until_calls("run.jsonl");
    running.signal_one(pid(&running, "local-1"), libc::SIGKILL);
    let run = running.finish();
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
    assert_eq!(run.stages[..3], [0, 0, 0], "{}", run.stderr);
    let totals = stream.totals();
    let audit = &totals["audit"];
    let count = |name: &str| audit[name].as_u64().unwrap();
    assert_eq!(audit.get("incomplete"), None);
    assert_eq!(count("files"), 2, "{audit}");
    assert_eq!(count("executed_twice"), 0, "{audit}");
    assert_eq!(count("ok_never_executed"), 0, "{audit}");
    assert!(count("failed_executed") > 0, "{audit}\n{totals}");
    assert_eq!(
        count("executed_once"),
        totals["ok"].as_u64().unwrap() + count("failed_executed"),
        "{totals}"
    );
    assert_eq!(
        count("calls"),
        count("executed_once") + count("never_executed")
    );
    let verdict = run.verdict("report.json");
    assert_eq!(gate(&verdict, "failed_executed"), "pass", "{verdict:#}");
    let said = run.text();
    assert!(
        said.contains("Audit") && said.contains("twice or more often"),
        "{said}"
    );
}

/// Copies lines from one file to another as they come; `change` says how often each is to stand there.
fn tamper(from: &Path, to: &Path, stop: &AtomicBool, change: impl Fn(usize) -> usize) {
    let mut copy = std::fs::File::create(to).unwrap();
    let (mut at, mut number) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let bytes = std::fs::read(from).unwrap_or_default();
        let end = bytes
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(at, |n| n + 1);
        for line in bytes[at..end].split_inclusive(|&b| b == b'\n') {
            for _ in 0..change(number) {
                copy.write_all(line).unwrap();
            }
            number += 1;
        }
        at = end;
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_line_that_is_there_twice_and_one_that_is_missing_are_noticed() {
    let folder = Folder::new();
    let [seen, copy] = ["seen.jsonl", "copy.jsonl"].map(|name| path(&folder, name));
    let server = Server::start(&["--audit", &seen]);
    let stop = Arc::new(AtomicBool::new(false));
    let copying = {
        let (seen, copy, stop) = (seen.clone(), copy.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            // Line 3 stands there three times, line 5 not at all.
            tamper(Path::new(&seen), Path::new(&copy), &stop, |n| match n {
                3 => 3,
                5 => 0,
                _ => 1,
            });
        })
    };
    until("the copy is there", Duration::from_secs(10), || {
        Path::new(&copy).exists()
    });
    let (stream, verdict) = audited(&server.ws(), &format!("--audit {copy}"));
    stop.store(true, Ordering::Relaxed);
    copying.join().unwrap();
    let audit = &stream.totals()["audit"];
    let ok = stream.totals()["ok"].as_u64().unwrap();
    assert_eq!(audit["calls"], ok, "{audit}");
    assert_eq!(
        [&audit["executed_twice"], &audit["ok_never_executed"]],
        [1, 1],
        "{audit}"
    );
    assert_eq!(
        [&audit["executed_once"], &audit["never_executed"]],
        [&json!(ok - 2), &json!(1)],
        "{audit}"
    );
    // The calls are named, as the file names them.
    let lines = std::fs::read_to_string(&seen).unwrap();
    let token = |n: usize| {
        let line: Value = serde_json::from_str(lines.lines().nth(n).unwrap()).unwrap();
        line["token"].clone()
    };
    assert_eq!(
        (&audit["twice"][0]["token"], &audit["twice"][0]["times"]),
        (&token(3), &json!(3))
    );
    assert_eq!(
        (&audit["missing"][0]["token"], &audit["missing"][0]["times"]),
        (&token(5), &json!(0))
    );
    assert_eq!(gate(&verdict, "executed_twice"), "fail", "{verdict:#}");
    assert_eq!(gate(&verdict, "ok_never_executed"), "fail", "{verdict:#}");
    for code in ["executed_twice", "ok_never_executed"] {
        assert_eq!(stream.warnings(code).len(), 1, "{code}");
    }
}

#[test]
fn without_the_file_of_a_server_nothing_is_judged() {
    let folder = Folder::new();
    let [seen, absent] = ["seen.jsonl", "absent.jsonl"].map(|name| path(&folder, name));
    let server = Server::start(&["--audit", &seen]);
    let (stream, verdict) = audited(&server.ws(), &format!("--audit {seen},{absent}"));
    let audit = &stream.totals()["audit"];
    assert!(
        audit["incomplete"]
            .as_str()
            .unwrap()
            .contains("absent.jsonl is not there"),
        "{audit}"
    );
    assert_eq!(
        gate(&verdict, "executed_twice"),
        "not judged",
        "{verdict:#}"
    );
    assert_eq!(verdict["verdict"], "INVALID");
    let warnings = stream.warnings("audit");
    assert!(
        warnings[0]["remedy"]
            .as_str()
            .unwrap()
            .contains("mcp-deploy serve --audit")
    );
    assert_eq!(stream.warnings("audit_incomplete").len(), 1);
}
