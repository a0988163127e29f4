//! Shared connections: clients call over connections that are not theirs alone, and everything else stays theirs.

use pipe_tests::{
    Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up, line_server,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

fn load(target: &str, more: &str) -> Stream {
    let run = Pipeline::new(format!(
        "mcp-gen {target} --connect-for 500ms --warmup 0s --for 800ms --interval 200ms -q --method tools/call {more}"
    ))
    .patience(Duration::from_secs(60))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

fn count(stream: &Stream, field: &str) -> u64 {
    stream.totals()[field].as_u64().unwrap_or(0)
}

fn connects(stream: &Stream) -> u64 {
    stream.totals()["generator"]["connects"].as_u64().unwrap()
}

/// How many calls each client has made.
fn by_client(stream: &Stream) -> BTreeMap<u64, u64> {
    let mut calls = BTreeMap::new();
    for call in stream.from("mcp-gen", "call") {
        *calls.entry(call["client"].as_u64().unwrap()).or_default() += 1;
    }
    calls
}

#[test]
fn clients_share_connections_and_keep_their_schedules() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let urls = [server.ws(), server.tcp()];
    for (url, more, connections) in [
        (&urls[0], "--shared-connections 3 --threads 2", 3),
        (
            &urls[0],
            "--shared-connections 4 --threads 2 --protocol legacy",
            4,
        ),
        (&urls[1], "--shared-connections 1", 1),
        // Never more than there are clients.
        (&urls[1], "--shared-connections 99", 20),
        (
            &urls[0],
            "--shared-connections 2 --protocol 2025-03-26 --batch 8",
            2,
        ),
    ] {
        let stream = load(
            &format!("--url {url}"),
            &format!("--clients 20 --rate 20/s --calls all {more}"),
        );
        let totals = stream.totals();
        assert_eq!(
            (count(&stream, "scheduled"), count(&stream, "ok")),
            (320, 320),
            "{more}: {totals}"
        );
        assert_eq!(connects(&stream), connections, "{more}");
        let calls = by_client(&stream);
        assert_eq!(calls.len(), 20, "{more}: {calls:?}");
        assert!(calls.values().all(|n| *n == 16), "{more}: {calls:?}");
        assert_eq!(totals["generator"]["stray_answers"], 0);
    }
    let both = urls.map(|url| format!("--url {url} ")).concat();
    let stream = load(
        &both,
        "--clients 10 --rate 20/s --shared-connections 2 --threads 2",
    );
    assert_eq!((connects(&stream), count(&stream, "ok")), (4, 160));
    let targets: BTreeMap<String, u64> = stream
        .from("mcp-gen", "interval")
        .iter()
        .map(|row| (row["target"].as_str().unwrap().to_owned(), 1))
        .collect();
    assert_eq!(targets.len(), 2, "{targets:?}");
}

#[test]
fn in_the_closed_model_each_client_waits_for_its_own_answers_only() {
    let server = Server::start(&["--latency", "20ms"]);
    let stream = load(
        &format!("--url {}", server.ws()),
        "--clients 10 --closed --shared-connections 1 --calls all",
    );
    assert_eq!(count(&stream, "ok"), count(&stream, "scheduled"));
    assert_eq!(connects(&stream), 1);
    let calls = by_client(&stream);
    assert_eq!(calls.len(), 10, "{calls:?}");
    // One after the other would be 40 for all of them together.
    assert!(calls.values().all(|n| *n > 4), "{calls:?}");
}

#[test]
fn who_finds_the_window_full_waits_in_turn() {
    let server = Server::start(&["--latency", "50ms"]);
    let stream = load(
        &format!("--url {}", server.ws()),
        "--clients 8 --rate 50/s --shared-connections 1 --in-flight 2 --timeout 600ms --max-backlog 400ms --calls all",
    );
    let totals = stream.totals();
    assert_eq!(count(&stream, "scheduled"), 320, "{totals}");
    assert!(
        totals["errors"]["abandoned"].as_u64() > Some(100),
        "{totals}"
    );
    let mut ok: BTreeMap<u64, u64> = BTreeMap::new();
    for call in stream.from("mcp-gen", "call") {
        *ok.entry(call["client"].as_u64().unwrap()).or_default() +=
            u64::from(call["outcome"] == "ok");
    }
    // Two at a time every 50 ms are some 40 calls, and nobody has them all.
    assert!(ok.values().all(|n| *n > 0), "{ok:?}");
}

#[test]
fn a_shared_connection_that_is_lost_fails_the_calls_of_all_its_clients_and_is_made_anew() {
    let calls = AtomicU64::new(0);
    let server = line_server(true, move |_, request, _| {
        let is_call = request["method"] == "tools/call";
        (is_call && calls.fetch_add(1, Relaxed) % 50 == 49).then_some(false)
    });
    let stream = load(
        &format!("--url tcp://127.0.0.1:{}", server.port()),
        "--clients 10 --rate 25/s --shared-connections 1 --timeout 2s",
    );
    let totals = stream.totals();
    let closed = totals["errors"]["connection_closed"].as_u64().unwrap();
    assert!(closed >= 1, "{totals}");
    assert_eq!(count(&stream, "scheduled"), 200, "{totals}");
    assert_eq!(count(&stream, "ok") + closed, 200, "{totals}");
    assert!(connects(&stream) >= 3, "{totals}");
}

/// Where its life ends with the load, calls wait for its successor.
#[test]
fn a_shared_connection_of_a_short_life_is_made_anew_as_long_as_calls_wait_for_it() {
    let server = Server::start(&[]);
    for seed in 1..=3 {
        let stream = load(
            &format!("--url {}", server.ws()),
            &format!(
                "--clients 4 --rate 20/s --shared-connections 2 --connection-lifetime 60ms --reconnect-delay 100ms --timeout 5s --seed {seed}"
            ),
        );
        let totals = stream.totals();
        assert_eq!(
            (count(&stream, "scheduled"), count(&stream, "ok")),
            (64, 64),
            "{totals}"
        );
        assert!(connects(&stream) >= 4, "{totals}");
    }
}

#[test]
fn clients_of_stdio_share_a_process() {
    let serve = format!(
        "{} serve --stdio",
        pipe_tests::tools().join("mcp-deploy").display()
    );
    let stream = load(
        &format!("--stdio '{serve}'"),
        "--clients 12 --rate 10/s --shared-connections 2",
    );
    assert_eq!((count(&stream, "ok"), connects(&stream)), (96, 2));
}

#[test]
fn what_cannot_be_shared_is_told_before_the_load() {
    let server = Server::start(&[]);
    for (flags, words) in [
        (format!("--url {}", server.http()), "over HTTP"),
        (
            format!(
                "--url {} --profile normal=2 --profile low-load=2",
                server.ws()
            ),
            "several profiles",
        ),
        (
            format!("--url {} --stages '0..5 clients in 1s'", server.ws()),
            "stages of rates",
        ),
    ] {
        let run = Pipeline::new(format!("mcp-gen {flags} --shared-connections 2")).run();
        run.assert_stages(&[2]);
        let fatal = run.stream().warnings("fatal")[0]["text"].to_string();
        assert!(fatal.contains(words), "{fatal}");
    }
}
