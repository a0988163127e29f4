//! The same seed, plan and load: the same calls fail. Another seed: others do.

use pipe_tests::faults::{calls, target};
use pipe_tests::{Pipeline, Server};

/// What became of the calls of the only client, one after the other, and how many there were.
fn outcomes(url: &str, faults: &str, options: &str, seed: u64) -> Vec<String> {
    let run = Pipeline::new(format!(
        "mcp-chaos -q {faults} --seed {seed} \
         | mcp-gen --clients 1 --closed --think 5ms --seed 1 --method tools/call {options} --connect-for 300ms --warmup 0s \
           --timeout 10s --calls all -q --for 1500ms > run.jsonl"
    ))
    .stdin(target("mine", url))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let calls = calls(&stream, "mine");
    let text = |call: &serde_json::Value| call["outcome"].as_str().unwrap().to_owned();
    calls.into_iter().map(text).collect()
}

/// How fast the machine is decides how many calls there are: as far as both came, they must agree.
#[track_caller]
fn assert_seeded(url: &str, faults: &str, options: &str, least: usize) {
    let [one, same, other] = [7, 7, 8].map(|seed| outcomes(url, faults, options, seed));
    let n = one.len().min(same.len()).min(other.len());
    assert!(n >= least, "{faults}: {n} calls");
    let failed = one[..n].iter().filter(|o| *o != "ok").count();
    assert!(failed > 0 && failed < n, "{faults}: {failed} of {n}");
    assert_eq!(one[..n], same[..n], "{faults}");
    assert_ne!(one[..n], other[..n], "{faults}");
}

#[test]
fn the_same_seed_hits_the_same_messages() {
    let server = Server::start(&[]);
    for url in [server.http(), server.ws()] {
        let faults = "rpc_error:rate=20%@0s+1h tool_error:rate=10%,tool=echo@0s+1h";
        assert_seeded(&url, faults, "", 40);
    }
}

#[test]
fn the_same_seed_hits_the_same_connections() {
    let server = Server::start(&[]);
    // A connection for each call.
    let faults = "limit_data:size=200B,toxicity=30%@300ms+1h";
    assert_seeded(&server.ws(), faults, "--churn --reconnect-delay 1ms", 20);
}
