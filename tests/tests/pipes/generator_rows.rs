//! Rows: how many targets and tools have figures of their own, and what becomes of those beyond.

use pipe_tests::{
    Hostile, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up, line_server,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;

const LOAD: &str = "--for 1s --warmup 0s --connect-for 500ms -q";

fn run(options: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen {LOAD} {options}")).run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

/// The names in a field of the rows of calls.
fn names(stream: &Stream, field: &str) -> BTreeSet<String> {
    let rows = stream.of("interval").into_iter();
    rows.filter(|i| i["method"] != "connect")
        .filter_map(|i| i[field].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn targets_beyond_64_stand_together_unless_they_are_to_be_told_apart() {
    let server = Server::start(&[]);
    let urls: String = (0..70)
        .map(|i| format!("--url '{}?{i}' ", server.ws()))
        .collect();
    let load = format!("{urls} --clients 70 --rate 5/s");
    let folded = run(&load);
    assert_eq!(names(&folded, "target").len(), 65);
    assert!(names(&folded, "target").contains("other"));
    let told = folded.warnings("folded");
    assert!(
        told[0]["text"]
            .as_str()
            .unwrap()
            .starts_with("6 more targets"),
        "{told:?}"
    );
    let apart = run(&format!("{load} --by target"));
    assert_eq!(names(&apart, "target").len(), 70);
    assert!(!names(&apart, "target").contains("other"));
    assert!(apart.warnings("folded").is_empty());
    assert_eq!(apart.totals()["ok"], folded.totals()["ok"]);
}

/// A server with so many tools.
fn toolbox(count: usize) -> Hostile {
    line_server(true, move |client, request, _| {
        if request["method"] != "tools/list" {
            return None;
        }
        let tools: Vec<Value> = (0..count)
            .map(|i| {
                json!({
                    "name": format!("tool-{i}"),
                    "inputSchema": {"type": "object"},
                    "annotations": {"readOnlyHint": true},
                })
            })
            .collect();
        let result =
            json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "public", "tools": tools});
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        Some(client.write_all(format!("{answer}\n").as_bytes()).is_ok())
    })
}

#[test]
fn tools_beyond_32_stand_together_unless_they_are_to_be_told_apart() {
    let server = toolbox(40);
    let load = format!(
        "--url tcp://127.0.0.1:{} --clients 4 --rate 250/s --seed 5 --method tools/call",
        server.port()
    );
    let folded = run(&load);
    assert_eq!(names(&folded, "tool").len(), 33);
    let told = folded.warnings("folded");
    assert!(
        told[0]["text"]
            .as_str()
            .unwrap()
            .starts_with("8 more tools"),
        "{told:?}"
    );
    let apart = run(&format!("{load} --by tool,target"));
    assert_eq!(names(&apart, "tool").len(), 40);
    assert!(apart.warnings("folded").is_empty());
}
