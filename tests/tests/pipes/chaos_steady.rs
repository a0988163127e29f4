//! A steady state before anything is broken: read from the load, or from calls of our own; met and not met.

use crate::chaos::{LOAD, one, target};
use pipe_tests::{Pipeline, Server};

#[test]
fn behind_the_generator_faults_count_from_the_instant_at_which_the_load_was_steady() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-gen {LOAD} --for 5s \
         | mcp-chaos -q pause@500ms+200ms --steady 'error_rate < 1% and p99 < 5s for 1s' > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    // Connecting takes 0.3 s, the steady state 1 s of seconds that are over, and then the fault its 0.5 s.
    let began = one(&stream, "f1", "began");
    assert!(began["t_us"].as_u64() >= Some(1_800_000), "{began}");
    one(&stream, "f1", "ended");
}

#[test]
fn behind_the_generator_a_state_that_is_not_met_ends_the_experiment() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 1 -- --error-rate 50% | mcp-gen {LOAD} --for 1h \
         | mcp-chaos -q kill@0s --steady 'error_rate < 1% for 1s' --steady-within 2s | tee run.jsonl | mcp-report"
    ))
    .run();
    run.assert_stages(&[0, 0, 2, 0, 2]);
    let stream = run.recorded("run.jsonl");
    assert!(stream.of("fault").is_empty(), "nothing was applied");
    let fatal = stream.warnings("fatal")[0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        fatal.contains("was not there within 2 s") && fatal.contains("error_rate was "),
        "{fatal}"
    );
    assert_eq!(stream.only("mcp-chaos", "end")["exit"], 2);
}

#[test]
fn in_front_of_the_generator_it_is_seen_by_calls_of_our_own() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-chaos -q pause@300ms+200ms --steady 'error_rate < 1% for 1s' | mcp-gen {LOAD} --for 5s > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", &server)))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let began = one(&stream, "f1", "began");
    assert!(began["t_us"].as_u64() >= Some(1_300_000), "{began}");
    one(&stream, "f1", "ended");
}

#[test]
fn in_front_of_the_generator_a_state_that_is_not_met_applies_nothing_and_fails_the_run() {
    let (server, silent) = (
        Server::start(&[]),
        pipe_tests::Hostile::listen(|stream, _| drop(stream)),
    );
    let dead = format!(
        r#"{{"type":"target","name":"dead","url":"ws://127.0.0.1:{}/mcp"}}"#,
        silent.port()
    );
    let run = Pipeline::new(
        "mcp-chaos -q pause@0s+200ms --steady 'error_rate < 10% for 1s' --steady-within 1500ms \
         | head -5 > run.jsonl",
    )
    // start, two targets, ready, and why nothing was applied.
    .stdin(format!("{}\n{dead}\n", target("mine", &server)))
    .run();
    assert_eq!(run.stages[0], 2, "{}", run.stderr);
    let text = String::from_utf8(run.file("run.jsonl")).unwrap();
    assert!(!text.contains(r#""type":"fault""#), "{text}");
    assert!(
        text.contains(r#""code":"fatal""#) && text.contains("was not there within 1.5 s"),
        "{text}"
    );
}
