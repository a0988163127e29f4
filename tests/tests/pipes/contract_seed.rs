//! The same seed gives the same calls at the same offsets, and another seed others.

use pipe_tests::{Pipeline, Server};
use std::collections::BTreeSet;

/// (client, index, method, tool, offset of due from the stage's begin) of all calls of a run.
fn calls(url: &str, options: &str) -> BTreeSet<(u64, u64, String, String, u64)> {
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --clients 5 --rate 60/s --connect-for 200ms --warmup 0s --for 500ms --calls all -q {options}"
    ))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    let steady = stream
        .of("stage")
        .into_iter()
        .find(|s| s["stage"] == "steady")
        .expect("steady began");
    let start = steady["start_us"]
        .as_u64()
        .expect("the schema says integer");
    let all: BTreeSet<_> = stream
        .of("call")
        .into_iter()
        .map(|c| {
            let number = |name: &str| c[name].as_u64().expect("the schema says integer");
            let text = |name: &str| c[name].as_str().unwrap_or("").to_owned();
            (
                number("client"),
                number("index"),
                text("method"),
                text("tool"),
                number("due_us") - start,
            )
        })
        .collect();
    assert_eq!(all.len(), 150, "each call once");
    all
}

/// The same but for a microsecond of rounding, since the run's begin lies elsewhere within its own microsecond.
#[track_caller]
fn assert_same(
    a: &BTreeSet<(u64, u64, String, String, u64)>,
    b: &BTreeSet<(u64, u64, String, String, u64)>,
) {
    for (x, y) in a.iter().zip(b) {
        assert_eq!((x.0, x.1, &x.2, &x.3), (y.0, y.1, &y.2, &y.3));
        assert!(x.4.abs_diff(y.4) <= 1, "{x:?} {y:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_calls_whatever_the_transport_and_the_threads() {
    let server = Server::start(&[]);
    let first = calls(&server.http(), "--seed 42");
    assert_same(&first, &calls(&server.http(), "--seed 42"));
    assert_same(&first, &calls(&server.http(), "--seed 42 --threads 2"));
    assert_same(&first, &calls(&server.ws(), "--seed 42"));
}

#[test]
fn another_seed_gives_other_calls() {
    let server = Server::start(&[]);
    let (a, b) = (
        calls(&server.http(), "--seed 42"),
        calls(&server.http(), "--seed 43"),
    );
    let menu = |calls: &BTreeSet<(u64, u64, String, String, u64)>| -> Vec<(String, String)> {
        calls.iter().map(|c| (c.2.clone(), c.3.clone())).collect()
    };
    assert_ne!(menu(&a), menu(&b));
    let offsets = |calls: &BTreeSet<(u64, u64, String, String, u64)>| -> Vec<u64> {
        calls.iter().map(|c| c.4).collect()
    };
    assert_ne!(offsets(&a), offsets(&b));
}

#[test]
fn a_seed_that_was_made_up_stands_in_start_and_gives_the_same_calls_again() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --clients 1 --connect-for 100ms --for 100ms -q",
        server.http()
    ))
    .run();
    let seed = run.stream().only("mcp-gen", "start")["seed"]
        .as_u64()
        .expect("a seed");
    let option = format!("--seed {seed}");
    assert_same(
        &calls(&server.http(), &option),
        &calls(&server.http(), &option),
    );
}
