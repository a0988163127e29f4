//! The environment of the erlmcp test kit: it works as it is, empty variables change nothing, flags win over it.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{Pipeline, Server, Stream};
use serde_json::Value;
use std::collections::BTreeSet;

/// Runs mcp-gen alone with these variables, and gives what it has written.
fn generate(variables: &[(&str, &str)], flags: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen --warmup 0s --connect-for 500ms {flags}"));
    let done = variables
        .iter()
        .fold(run, |run, (name, value)| run.variable(name, value))
        .run();
    done.assert_stages(&[0]);
    done.stream()
}

/// What a run was made of: profile, clients, calls per second, seconds.
fn shape(stream: &Stream) -> (String, u64, f64, f64) {
    let steady: Vec<&Value> = stream
        .of("summary")
        .into_iter()
        .filter(|s| s["stage"] == "steady" && s["asked_per_s"].is_f64())
        .collect();
    let asked: f64 = steady
        .iter()
        .map(|s| s["asked_per_s"].as_f64().unwrap())
        .sum();
    (
        steady[0]["profile"].as_str().unwrap().to_owned(),
        stream.totals()["generator"]["clients"].as_u64().unwrap(),
        asked.round(),
        steady[0]["span_us"].as_f64().unwrap() / 1e6,
    )
}

/// The targets by which calls were counted.
fn targets(stream: &Stream) -> BTreeSet<String> {
    stream
        .of("interval")
        .iter()
        .map(|i| i["target"].as_str().unwrap().to_owned())
        .collect()
}

fn authority(server: &Server) -> String {
    let url = server.http();
    url["http://".len()..].trim_end_matches("/mcp").to_owned()
}

#[test]
fn all_five_variables_shape_the_run() {
    let (first, second) = (Server::start(&[]), Server::start(&[]));
    let servers = format!("{}, {}", authority(&first), second.http());
    let stream = generate(
        &[
            ("CLIENT_TYPE", "low-load"),
            ("CLIENT_COUNT", "4"),
            ("MESSAGE_RATE", "20"),
            ("DURATION_SECONDS", "1"),
            ("TARGET_SERVERS", &servers),
        ],
        "",
    );
    assert_eq!(shape(&stream), ("low-load".to_owned(), 4, 80.0, 1.0));
    // A bare host and port meant WebSocket there.
    assert_eq!(
        targets(&stream),
        BTreeSet::from([first.ws(), second.http()])
    );
}

#[test]
fn empty_variables_change_nothing() {
    let server = Server::start(&[]);
    let empty = [
        ("CLIENT_TYPE", ""),
        ("CLIENT_COUNT", ""),
        ("MESSAGE_RATE", " "),
        ("DURATION_SECONDS", ""),
        ("TARGET_SERVERS", ""),
    ];
    let stream = generate(&empty, &format!("--url {} --for 1s", server.ws()));
    assert_eq!(shape(&stream), ("normal".to_owned(), 25, 2_500.0, 1.0));
}

#[test]
fn flags_win_over_variables() {
    let server = Server::start(&[]);
    let stream = generate(
        &[
            ("CLIENT_TYPE", "no-such-profile"),
            ("CLIENT_COUNT", "4000000000"),
            ("MESSAGE_RATE", "fast"),
            ("DURATION_SECONDS", "-1"),
            ("TARGET_SERVERS", "127.0.0.1:1"),
        ],
        &format!(
            "--url {} --profile low-load --clients 2 --rate 30/s --for 1s",
            server.http()
        ),
    );
    assert_eq!(shape(&stream), ("low-load".to_owned(), 2, 60.0, 1.0));
    assert_eq!(targets(&stream), BTreeSet::from([server.http()]));
}

/// The closed model has no rate, so a rate from the environment is no contradiction.
#[test]
fn a_rate_in_the_environment_does_not_stand_in_the_way_of_the_closed_model() {
    let server = Server::start(&["--latency", "20ms"]);
    let flags = format!("--url {} --closed --clients 2 --for 500ms", server.ws());
    let stream = generate(&[("MESSAGE_RATE", "5")], &flags);
    assert_eq!(stream.totals()["generator"]["model"], "closed");
}

#[test]
fn what_cannot_be_used_is_told_with_the_name_of_its_variable() {
    let server = Server::start(&[]);
    for (name, value, words) in [
        ("CLIENT_TYPE", "heavy", "use normal, high-load"),
        ("CLIENT_COUNT", "many", "number of clients"),
        ("CLIENT_COUNT", "0", "number of clients"),
        ("MESSAGE_RATE", "fast", "fast"),
        ("DURATION_SECONDS", "soon", "number of seconds"),
        ("DURATION_SECONDS", "0", "number of seconds"),
        ("DURATION_SECONDS", "nan", "number of seconds"),
        ("TARGET_SERVERS", "ftp://x/mcp", "use ws, wss, http, https"),
        ("TARGET_SERVERS", "host/path", "host:port"),
    ] {
        let url = match name {
            "TARGET_SERVERS" => String::new(),
            _ => format!("--url {}", server.http()),
        };
        let done = Pipeline::new(format!("mcp-gen {url} | mcp-report"))
            .variable(name, value)
            .run();
        done.assert_stages(&[2, 2]);
        let said = done
            .stderr
            .lines()
            .find(|line| line.starts_with("mcp-gen: "));
        let said = said.unwrap_or_else(|| panic!("{name}={value}: {}", done.stderr));
        assert!(
            said.contains(name) && said.contains(value) && said.contains(words),
            "{name}={value}: {said}"
        );
    }
}
