//! Faults of messages under a load, on each transport: what mcp-gen counts is what was done to the answers.

use crate::chaos::{HASTY, LOAD, one};
use pipe_tests::{Pipeline, Server, assert_conserved, assert_intervals_add_up};
use serde_json::{Value, json};

#[test]
fn a_tenth_of_the_answers_dropped_is_a_tenth_of_the_calls_timed_out_on_each_transport() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let child = "stdio:mcp-deploy serve --stdio".to_owned();
    for url in [server.http(), server.ws(), server.tcp(), child] {
        let run = Pipeline::new(format!(
            "mcp-chaos -q drop_answer:method=*,rate=10%@1s+1h --seed 5 | mcp-gen {HASTY} --allow-exec --rate 40/s --for 4s > run.jsonl"
        ).replace("--rate 20/s ", ""))
        .stdin(format!("{}\n", json!({"type": "target", "name": "mine", "url": url})))
        .run();
        run.assert_stages(&[0, 0]);
        let stream = run.recorded("run.jsonl");
        let totals = stream.totals();
        let timeouts = totals["errors"]["timeout"].as_f64().unwrap_or(0.0);
        let others = totals["errors"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|c| *c != "timeout");
        assert_eq!(others.count(), 0, "{url}: {totals}");
        // 6 clients, 40/s, from 1 s after t0 on, and 0.3 s of connecting before: 3.3 s. Four standard deviations.
        let calls = 6.0 * 40.0 * 3.3;
        let (wanted, deviation) = (calls * 0.1, (calls * 0.1 * 0.9_f64).sqrt());
        assert!(
            (timeouts - wanted).abs() < 4.0 * deviation,
            "{url}: {timeouts} of {calls}"
        );
        assert_conserved(&stream);
        assert_intervals_add_up(&stream);
    }
}

/// What is left of the errors of a run with this fault, over HTTP.
fn errors(fault: &str) -> (Value, Value) {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-chaos -q {fault}@500ms+2s | mcp-gen {LOAD} --for 4s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let hit = one(&stream, "f1", "ended")["counts"]["hit"].clone();
    assert!(hit.as_u64() > Some(0), "{fault}");
    let totals = stream.totals();
    (
        hit,
        json!({"errors": totals["errors"], "codes": totals["codes"]}),
    )
}

#[test]
fn each_error_lands_in_its_own_class_as_often_as_it_was_made() {
    for (fault, class, code) in [
        (
            "http_error:status=503,rate=20%",
            "http_error",
            Some("http_503"),
        ),
        (
            "rpc_error:code=-32000,rate=20%",
            "rpc_error",
            Some("rpc_-32000"),
        ),
        ("tool_error:rate=20%", "tool_error", None),
    ] {
        let (hit, came) = errors(fault);
        assert_eq!(came["errors"], json!({class: hit}), "{fault}");
        if let Some(code) = code {
            assert_eq!(came["codes"], json!({code: hit}), "{fault}");
        }
    }
}

#[test]
fn nobody_on_the_way_reads_tls_and_that_is_told() {
    let target = json!({"type": "target", "name": "far", "url": "https://localhost:1/mcp"});
    let run = Pipeline::new("mcp-chaos -q drop_answer@0s+1h | head -5 > run.jsonl")
        .stdin(format!("{target}\n"))
        .run();
    run.assert_stages(&[0, 0]);
    let text = String::from_utf8(run.file("run.jsonl")).unwrap();
    assert!(text.contains("encrypted (TLS)"), "{text}");
    // What concerns bytes alone works there all the same.
    let run = Pipeline::new("mcp-chaos -q latency:latency=1ms@0s+1h | head -4 > run.jsonl")
        .stdin(format!("{target}\n"))
        .run();
    run.assert_stages(&[0, 0]);
    let text = String::from_utf8(run.file("run.jsonl")).unwrap();
    assert!(text.contains(r#""state":"began""#), "{text}");
}
