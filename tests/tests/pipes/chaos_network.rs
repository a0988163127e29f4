//! Faults in the path of the calls: each target is called through a proxy, and what the fault does is seen in the records.

use crate::chaos::{HASTY, LOAD, one};
use pipe_tests::{Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};
use record::{Histogram, Latency};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The rows of calls whose second lies between two instants.
fn rows(stream: &Stream, from_us: u64, to_us: u64) -> Vec<&Value> {
    let rows = stream.of("interval").into_iter();
    rows.filter(|r| {
        let start_us = r["start_us"].as_u64().unwrap();
        start_us >= from_us && start_us + r["span_us"].as_u64().unwrap() <= to_us
    })
    .collect()
}

fn p50_us(rows: &[&Value]) -> u64 {
    let mut all = Histogram::default();
    for row in rows.iter().filter(|r| !r["response"].is_null()) {
        let latency: Latency = serde_json::from_value(row["response"].clone()).unwrap();
        all.add(&latency.histogram().unwrap());
    }
    assert!(all.count() >= 50, "{}", all.count());
    all.quantile_us(0.5)
}

fn window(stream: &Stream, id: &str) -> (u64, u64) {
    let at = |state| one(stream, id, state)["at_us"].as_u64().unwrap();
    (at("began"), at("ended"))
}

#[test]
fn a_latency_moves_the_median_of_the_response_times_by_itself() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-chaos -q latency:latency=200ms,jitter=50ms@2s+3s --seed 7 \
         | mcp-gen {LOAD} --for 6s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let (began, ended) = window(&stream, "f1");
    let before = p50_us(&rows(&stream, began - 1_500_000, began));
    // From when the first calls that were hit are done.
    let during = p50_us(&rows(&stream, began + 500_000, ended));
    let moved = during - before;
    // Within 2 % where nobody else wants the CPU; never less.
    assert!((196_000..230_000).contains(&moved), "{moved}");
    let counts = &one(&stream, "f1", "ended")["counts"];
    assert!(counts["chunks_delayed"].as_u64() > Some(100), "{counts}");
    assert_eq!(stream.totals()["errors"], json!({}));
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
}

#[test]
fn a_partition_of_two_of_five_targets_fails_exactly_the_calls_on_them() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 5 | mcp-chaos -q partition:count=2@1s+2500ms --seed 3 | mcp-gen {HASTY} --for 5s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let names = |of: &Value| -> BTreeSet<String> {
        let names = of.as_array().unwrap().iter();
        names.map(|n| n.as_str().unwrap().to_owned()).collect()
    };
    let hit = names(&one(&stream, "f1", "began")["targets"]);
    assert_eq!(hit.len(), 2);
    let failed: BTreeSet<String> = stream
        .of("interval")
        .into_iter()
        .filter(|r| r["errors"].as_object().is_some_and(|e| !e.is_empty()))
        .map(|r| r["target"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(failed, hit);
    assert_conserved(&stream);
}

#[test]
fn every_transport_goes_through_the_proxy_as_it_would_without() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let targets = [
        json!({"type": "target", "url": server.http(), "note": {"kept": [1, null]}}),
        json!({"type": "target", "name": "ws", "url": server.ws()}),
        json!({"type": "target", "name": "tcp", "url": server.tcp()}),
        json!({"type": "target", "name": "sse", "url": server.sse(), "transport": "sse"}),
    ];
    let lines: String = targets.iter().map(|t| format!("{t}\n")).collect();
    let run = Pipeline::new(format!(
        "mcp-chaos -q slice:size=100B@0s+1h | mcp-gen {LOAD} --for 2s > run.jsonl"
    ))
    .stdin(lines)
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let passed: Vec<&Value> = stream
        .lines
        .iter()
        .filter_map(|l| l.value.as_ref())
        .filter(|v| v["type"] == "target")
        .collect();
    assert_eq!(passed.len(), 4);
    for (new, old) in passed.iter().zip(&targets) {
        assert_eq!(new["origin_url"], old["url"]);
        assert_ne!(new["url"], old["url"]);
        assert!(new["via"].as_str().unwrap().starts_with("mcp-chaos#"));
        assert_eq!(
            (&new["transport"], &new["note"]),
            (&old["transport"], &old["note"])
        );
    }
    // Who had no name keeps what it was known by.
    assert_eq!(passed[0]["name"], json!(server.http()));
    let totals = stream.totals();
    assert_eq!(totals["errors"], json!({}), "{totals}");
    let called: BTreeSet<&str> = stream
        .of("interval")
        .into_iter()
        .filter(|r| r["ok"].as_u64() > Some(0))
        .map(|r| r["target"].as_str().unwrap())
        .collect();
    assert_eq!(called.len(), 4, "{called:?}");
}

#[test]
fn a_server_that_is_a_child_of_its_client_is_spoken_to_through_the_proxy_too() {
    let target =
        json!({"type": "target", "name": "child", "url": "stdio:mcp-deploy serve --stdio"});
    let run = Pipeline::new(format!(
        "mcp-chaos -q latency:latency=50ms@1s+1h | mcp-gen {LOAD} --allow-exec --for 3s > run.jsonl"
    ))
    .stdin(format!("{target}\n"))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let began = one(&stream, "f1", "began")["at_us"].as_u64().unwrap();
    assert!(p50_us(&rows(&stream, began + 300_000, u64::MAX)) >= 50_000);
    assert_eq!(stream.totals()["errors"], json!({}));
    assert_conserved(&stream);
}

#[test]
fn a_target_that_cannot_have_a_proxy_is_called_past_it_and_that_is_told() {
    // The name is nobody's, and so the proxy would lead nowhere.
    let target =
        json!({"type": "target", "name": "nobody", "url": "http://no-such-host.invalid/mcp"});
    let run = Pipeline::new("mcp-chaos -q latency:latency=20ms@0s+1h | head -6 > run.jsonl")
        .stdin(format!("{target}\n"))
        .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    assert_eq!(stream.warnings("no_proxy").len(), 1);
    assert!(
        String::from_utf8(run.file("run.jsonl"))
            .unwrap()
            .contains(&target.to_string())
    );
    let failed = one(&stream, "f1", "failed");
    assert!(
        failed["text"].as_str().unwrap().contains("no-such-host"),
        "{failed}"
    );
}

#[test]
fn faults_count_from_the_first_byte_of_traffic() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-chaos -q latency:latency=1ms@traffic+500ms+200ms | mcp-gen {LOAD} --for 2s > run.jsonl"
    ))
    .stdin(format!(
        "{}\n",
        json!({"type": "target", "url": server.ws()})
    ))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let began = one(&stream, "f1", "began");
    one(&stream, "f1", "ended");
    assert!(began["t_us"].as_u64() >= Some(500_000), "{began}");
}
