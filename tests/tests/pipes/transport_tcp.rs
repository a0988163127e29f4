//! Lines over TCP: both eras, TLS, and servers that break off, babble or fall silent.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use crate::tls_relay::TlsRelay;
use pipe_tests::{
    Hostile, Pipeline, Stream, assert_conserved, assert_intervals_add_up, line_server,
};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

fn load(url: &str, more: &str) -> Stream {
    let timeout = if more.contains("--timeout") {
        ""
    } else {
        "--timeout 500ms"
    };
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --clients 4 --rate 25/s --connect-for 300ms --warmup 0s --for 800ms {timeout} \
         --method tools/call --interval 200ms -q {more}"
    ))
    .patience(Duration::from_secs(60))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["scheduled"], 80);
    stream
}

fn url(server: &Hostile) -> String {
    format!("tcp://127.0.0.1:{}", server.port())
}

/// A server that misbehaves at every tenth call of the load.
fn every_tenth(odd: impl Fn(&mut TcpStream) -> bool + Send + Sync + 'static) -> Hostile {
    let calls = AtomicU64::new(0);
    line_server(false, move |client, request, _| {
        let is_call = request["method"] == "tools/call";
        (is_call && calls.fetch_add(1, Relaxed) % 10 == 9).then(|| odd(client))
    })
}

#[test]
fn calls_in_lines_are_counted_as_the_server_counts_them_in_both_eras() {
    for (is_modern, revision) in [(true, "2026-07-28"), (false, "2025-06-18")] {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        let server = line_server(is_modern, move |_, request, _| {
            counted.fetch_add(u64::from(request["method"] == "tools/call"), Relaxed);
            None
        });
        let stream = load(&url(&server), "");
        assert_eq!(
            (stream.totals()["ok"].as_u64(), calls.load(Relaxed)),
            (Some(80), 80),
            "{}",
            stream.totals()
        );
        let dialect = &stream.totals()["dialects"][0];
        assert_eq!(
            (
                &dialect["transport"],
                &dialect["revision"],
                &dialect["origin"]
            ),
            (&"tcp".into(), &revision.into(), &url(&server).into())
        );
        // One that asks, and one for each client.
        assert_eq!(server.accepted(), 5);
    }
}

#[test]
fn lines_may_lie_under_tls() {
    let server = line_server(true, |_, _, _| None);
    let relay = TlsRelay::to(&format!("127.0.0.1:{}", server.port()));
    let url = relay.url("tcps");
    let stream = load(&url, &format!("--ca-file {}", relay.ca_file().display()));
    assert_eq!(stream.totals()["ok"], 80, "{}", stream.totals());
}

#[test]
fn a_connection_that_ends_in_half_a_line_fails_what_was_in_flight_on_it() {
    let server = every_tenth(|client| {
        let _ = client.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":");
        false
    });
    let stream = load(&url(&server), "");
    let errors = &stream.totals()["errors"];
    let closed = errors["connection_closed"].as_u64().unwrap();
    assert!(closed >= 5, "{errors}");
    assert_eq!(
        stream.totals()["ok"].as_u64().unwrap() + closed,
        80,
        "{errors}"
    );
    assert!(server.accepted() > 5, "clients connect anew");
}

#[test]
fn babble_between_the_lines_is_counted_and_no_call_is_blamed_for_it() {
    // In place of an answer it leaves the call without one.
    let server = every_tenth(|client| client.write_all(b"2026-11-23 INFO served\n").is_ok());
    let stream = load(&url(&server), "");
    let totals = stream.totals();
    assert_eq!(totals["errors"], serde_json::json!({ "timeout": 8 }));
    assert_eq!(
        [&totals["ok"], &totals["generator"]["stray_lines"]],
        [72, 8]
    );
    assert_eq!(server.accepted(), 5, "no client connects anew");
    // Beside the answers it does no harm; a log may well be JSON.
    let server = line_server(false, |client, _, _| {
        let _ = client.write_all(b"{\"level\":\"info\",\"msg\":\"served\"}\n");
        None
    });
    let stream = load(&url(&server), "");
    assert_eq!(stream.totals()["ok"], 80, "{}", stream.totals());
    let lines = stream.totals()["generator"]["stray_lines"].as_u64();
    assert!(lines >= Some(80), "{lines:?}");
    assert_eq!(stream.warnings("stray_line").len(), 1);
}

#[test]
fn a_line_without_end_is_cut_off() {
    let server = every_tenth(|client| {
        let much = vec![b'x'; 1 << 20];
        while client.write_all(&much).is_ok() {}
        false
    });
    let stream = load(&url(&server), "--timeout 5s");
    let errors = stream.totals()["errors"].as_object().unwrap();
    assert!(
        errors["protocol_error"].as_u64().unwrap() >= 1,
        "{errors:?}"
    );
    assert!(
        errors.keys().all(|class| class == "protocol_error"),
        "{errors:?}"
    );
}

#[test]
fn a_server_that_falls_silent_gives_timeouts() {
    let server = every_tenth(|_| true);
    let stream = load(&url(&server), "");
    assert_eq!(stream.totals()["errors"]["timeout"], 8);
    assert_eq!(stream.totals()["ok"], 72);
}

#[test]
fn what_is_no_server_of_lines_is_told_in_a_sentence() {
    let http = Hostile::listen(|mut client, _| {
        let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    // These stay open and wait for something.
    let greets = Hostile::listen(|mut client, _| {
        let _ = client.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
        let _ = client.read_to_end(&mut Vec::new());
    });
    let asks = Hostile::listen(|mut client, _| {
        let _ = client.write_all(b"login: ");
        let _ = client.read_to_end(&mut Vec::new());
    });
    for (url, words) in [
        (url(&http), "HTTP/1.1 400 Bad Request"),
        (
            format!("{} --timeout 1s", url(&greets)),
            "SSH-2.0-OpenSSH_9.9",
        ),
        (format!("{} --timeout 1s", url(&asks)), "login:"),
        ("tcp://127.0.0.1".to_owned(), "tcp://HOST:PORT"),
    ] {
        let run = Pipeline::new(format!("mcp-gen --url {url} --for 1s")).run();
        run.assert_stages(&[2]);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let record = r#"{"type":"target","url":"tcp://127.0.0.1:9","transport":"ws"}"#;
    let run = Pipeline::new(format!("echo '{record}' | mcp-gen --for 1s")).run();
    assert!(
        run.stderr.contains("its transport is said to be ws"),
        "{}",
        run.stderr
    );
}
