//! Sessions come and go: churn, sessions that are left without a word, and those that the server has forgotten. Each ends
//! once, and the counts say how.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{PATIENCE, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Runs `mcp-gen` and holds its counts against each other.
#[track_caller]
fn run(options: &str, files: &str) -> Stream {
    let run = Pipeline::new(format!(
        "mcp-gen --warmup 0s --connect-for 200ms --seed 7 -q {options}"
    ))
    .before(files)
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_each_ends_once(&stream);
    stream
}

/// What became of the sessions of the whole run.
#[track_caller]
fn sessions(stream: &Stream) -> BTreeMap<&str, u64> {
    let counts = stream.totals()["sessions"].as_object().unwrap();
    let counts = counts.iter();
    counts
        .map(|(name, n)| (name.as_str(), n.as_u64().unwrap()))
        .collect()
}

#[track_caller]
fn assert_each_ends_once(stream: &Stream) {
    let all = sessions(stream);
    let ended = ["deleted", "abandoned", "lost", "expired"].map(|end| all[end]);
    assert_eq!(all["opened"], ended.iter().sum::<u64>(), "{all:?}");
}

fn count(r: &Value, name: &str) -> u64 {
    r[name].as_u64().unwrap()
}

/// A metric of the reference server.
fn metric(server: &Server, series: &str) -> u64 {
    let url = server.http();
    let authority = url.split('/').nth(2).unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let line = text.lines().find(|line| line.starts_with(series));
    let (_, value) = line
        .unwrap_or_else(|| panic!("{text}"))
        .rsplit_once(' ')
        .unwrap();
    value.parse().unwrap()
}

#[test]
fn each_call_has_a_session_of_its_own_on_every_transport_and_in_both_eras() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    for (url, eras) in [
        (server.http(), "legacy modern"),
        (server.ws(), "legacy modern"),
        (server.tcp(), "legacy"),
    ] {
        for era in eras.split(' ') {
            let stream = run(
                &format!("--url {url} --protocol {era} --clients 5 --rate 40/s --for 1s --churn"),
                "",
            );
            let (totals, all) = (stream.totals(), sessions(&stream));
            assert_eq!(
                (count(totals, "scheduled"), count(totals, "ok")),
                (200, 200),
                "{totals}"
            );
            assert_eq!(
                [all["opened"], all["reopened"], all["deleted"]],
                [200, 195, 200],
                "{url} {era}"
            );
            assert_eq!(all["delete_refused"], 0);
            assert_eq!(
                totals["connect"]["count"], 200,
                "each has a connection of its own"
            );
        }
    }
    assert_eq!(
        metric(&server, "mcp_server_sessions_active{transport=\"http\"}"),
        0
    );
    let stream = run(
        &format!(
            "--stdio '{} serve --stdio' --clients 2 --rate 3/s --for 1s --churn",
            pipe_tests::tools().join("mcp-deploy").display()
        ),
        "",
    );
    assert_eq!(sessions(&stream)["opened"], 6, "a process for each call");
}

#[test]
fn a_session_has_as_many_calls_as_the_profile_says() {
    let server = Server::start(&[]);
    let files = r#"cat > four.toml <<'END'
name = "four"
clients = 5
rate = "40/s"
calls_per_connection = 4
[methods]
ping = 1
END"#;
    for url in [server.http(), server.ws()] {
        let options = format!("--url {url} --protocol legacy --profile four.toml --for 1s");
        let stream = run(&options, files);
        assert_eq!(count(stream.totals(), "ok"), 200);
        assert_eq!(sessions(&stream)["opened"], 50, "{url}");
        // In the closed model too: the last session of each client may have fewer.
        let closed = Pipeline::new(format!("mcp-gen {options} --closed --in-flight 2 -q"))
            .before(files)
            .run();
        closed.assert_stages(&[0]);
        let stream = closed.stream();
        assert_conserved(&stream);
        let (calls, opened) = (count(stream.totals(), "ok"), sessions(&stream)["opened"]);
        assert!(calls > 40, "{}", stream.totals());
        assert!(
            (calls.div_ceil(4)..=calls.div_ceil(4) + 10).contains(&opened),
            "{opened} sessions for {calls} calls, of 4 each"
        );
    }
}

#[test]
fn sessions_that_are_left_without_a_word_stay_on_the_server() {
    let server = Server::start(&[]);
    let options = format!(
        "--url {} --protocol legacy --clients 4 --rate 50/s --for 1s --churn",
        server.http()
    );
    let active = "mcp_server_sessions_active{transport=\"http\"}";
    let stream = run(&format!("{options} --leave abandon"), "");
    assert_eq!(count(stream.totals(), "ok"), 200);
    assert_eq!(sessions(&stream)["abandoned"], 200);
    assert_eq!(metric(&server, active), 200);
    let stream = run(&format!("{options} --leave mixed"), "");
    let all = sessions(&stream);
    // 100 each are expected; the seed is fixed, and this is more than five standard deviations away.
    assert!((60..=140).contains(&all["abandoned"]), "{all:?}");
    assert_eq!(metric(&server, active), 200 + all["abandoned"]);
}

#[test]
fn a_flood_of_abandoned_sessions_is_refused_beyond_the_servers_limit() {
    let server = Server::start(&["--max-sessions", "50"]);
    let stream = run(
        &format!(
            "--url {} --protocol legacy --clients 20 --rate 5/s --for 1s --churn --leave abandon",
            server.http()
        ),
        "",
    );
    let totals = stream.totals();
    assert_eq!(sessions(&stream)["opened"], 50);
    assert_eq!((count(totals, "ok"), count(totals, "scheduled")), (50, 100));
    assert_eq!(
        totals["errors"]["connect_failed"], 50,
        "{}",
        totals["errors"]
    );
    assert!(count(totals, "connect_failures") > 0);
}

#[test]
fn a_call_on_a_deleted_session_is_refused_with_either_status_and_counted() {
    for gone in ["404", "400"] {
        let server = Server::start(&["--session-gone", gone]);
        let stream = run(
            &format!(
                "--url {} --protocol legacy --clients 4 --rate 20/s --for 1s --churn --call-deleted",
                server.http()
            ),
            "",
        );
        let all = sessions(&stream);
        assert_eq!(
            [all["deleted"], all["dead_refused"], all["dead_served"]],
            [80, 80, 0],
            "{all:?}"
        );
        let totals = stream.totals();
        assert_eq!(
            count(totals, "ok"),
            80,
            "these are no calls of the load: {totals}"
        );
    }
}

#[test]
fn a_session_that_the_server_has_forgotten_is_counted_and_begun_anew() {
    for gone in ["404", "400"] {
        let server = Server::start(&["--session-ttl", "300ms", "--session-gone", gone]);
        let stream = run(
            &format!(
                "--url {} --protocol legacy --clients 4 --rate 50/s --for 2s",
                server.http()
            ),
            "",
        );
        let (totals, all) = (stream.totals(), sessions(&stream));
        let errors = totals["errors"].as_object().unwrap();
        let names: Vec<&str> = errors.keys().map(String::as_str).collect();
        assert_eq!(names, ["session_lost"], "{gone}: {totals}");
        // Several calls may be on their way in a session that is gone.
        assert!(
            errors["session_lost"].as_u64() >= Some(all["expired"]),
            "{all:?}"
        );
        assert!(all["expired"] >= 8 && all["reopened"] >= 8, "{all:?}");
        assert!(count(totals, "ok") > 300, "the clients went on: {totals}");
    }
}

#[test]
fn a_session_that_outlives_its_time_limit_is_deleted_by_its_client_and_begun_anew() {
    let server = Server::start(&[]);
    let stream = run(
        &format!(
            "--url {} --protocol legacy --clients 4 --rate 50/s --for 2s --connection-lifetime 300ms --reconnect-delay 0s",
            server.http()
        ),
        "",
    );
    let all = sessions(&stream);
    assert_eq!(count(stream.totals(), "ok"), 400);
    assert_eq!(all["deleted"], all["opened"], "{all:?}");
    assert!(all["reopened"] >= 8, "{all:?}");
    assert_eq!(
        metric(&server, "mcp_server_sessions_active{transport=\"http\"}"),
        0
    );
}

#[test]
fn the_report_says_what_became_of_sessions() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --protocol legacy --clients 2 --rate 20/s --warmup 0s --connect-for 200ms --for 500ms --churn --leave abandon -q | mcp-report --json report.json",
        server.http()
    ))
    .run();
    run.assert_stages_and_report(&[0], "report.json");
    let report = run.verdict("report.json");
    let sessions = &report["report"]["connections"]["sessions"];
    assert_eq!([&sessions["opened"], &sessions["abandoned"]], [20, 20]);
    assert!(
        run.text().contains("20 opened, 18 reopened, 20 abandoned"),
        "{}",
        run.text()
    );
}
