//! HTTP+SSE of 2024-11-05: messages by POST, answers on a stream; and streams that end, posts that are refused.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use crate::tls_relay::TlsRelay;
use pipe_tests::{
    Hostile, Pipeline, Server, Stream, answer, assert_conserved, assert_intervals_add_up,
};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn load(target: &str, more: &str) -> Stream {
    let run = Pipeline::new(format!(
        "{target} --clients 4 --rate 25/s --connect-for 500ms --warmup 0s --for 800ms --timeout 1s \
         --method tools/call --interval 200ms -q {more}"
    ))
    .patience(Duration::from_secs(60))
    .run();
    run.assert_stages(if target.contains('|') { &[0, 0] } else { &[0] });
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["scheduled"], 80);
    stream
}

#[test]
fn attach_finds_out_that_a_server_has_only_the_old_transport() {
    let server = Server::start(&[]);
    let (old, new) = (server.sse(), server.http());
    let run = Pipeline::new(format!(
        "mcp-deploy attach -q {old} {new} --for 100ms | cat"
    ))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.stream();
    let transports: Vec<_> = stream
        .of("target")
        .iter()
        .map(|t| t["transport"].clone())
        .collect();
    assert_eq!(transports, ["sse", "http"]);
    let run = Pipeline::new(format!(
        "mcp-deploy attach -q --no-check {old} --for 100ms | cat"
    ))
    .run();
    assert!(run.stream().of("target")[0]["transport"].is_null());
}

/// What a small server does with the message of a POST, besides sending the right answer.
enum Odd {
    /// Refuses it with this status line.
    Refuse(&'static str),
    /// Takes it, and ends the stream.
    EndStream,
    /// Takes it, and never answers.
    Silence,
    /// Sends this on the stream instead.
    Say(&'static str),
}

/// A small server of the old transport, at any path; `odd` is asked of each call of a tool.
fn server(odd: impl Fn(u64) -> Option<Odd> + Send + Sync + 'static) -> Hostile {
    let streams: Arc<Mutex<HashMap<u64, Sender<String>>>> = Arc::default();
    let calls = AtomicU64::new(0);
    Hostile::listen(move |mut client, n| {
        while let Some((head, body)) = Hostile::request(&mut client) {
            if head.starts_with("GET") {
                let (sender, messages) = channel();
                streams.lock().unwrap().insert(n, sender);
                let begin = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
                     event: endpoint\ndata: /messages?session={n}\n\n"
                );
                let mut going = client.write_all(begin.as_bytes()).is_ok();
                while going && let Ok(message) = messages.recv() {
                    going = client
                        .write_all(format!("data: {message}\n\n").as_bytes())
                        .is_ok();
                }
                return;
            }
            let number = head
                .split("session=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            let Some(number) = number.and_then(|n| n.parse::<u64>().ok()) else {
                let _ = client.write_all(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
                continue;
            };
            let request: Value = serde_json::from_slice(&body).unwrap();
            let is_call = request["method"] == "tools/call";
            let odd = is_call.then(|| odd(calls.fetch_add(1, Relaxed))).flatten();
            let status = match odd {
                Some(Odd::Refuse(status)) => status,
                _ => "202 Accepted",
            };
            let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            let _ = client.write_all(text.as_bytes());
            let mut streams = streams.lock().unwrap();
            let say = match odd {
                Some(Odd::EndStream) => {
                    streams.remove(&number);
                    None
                }
                Some(Odd::Refuse(_) | Odd::Silence) => None,
                Some(Odd::Say(text)) => Some(text.to_owned()),
                None => request
                    .get("id")
                    .map(|_| answer(&request, false).to_string()),
            };
            if let (Some(text), Some(stream)) = (say, streams.get(&number)) {
                let _ = stream.send(text);
            }
        }
    })
}

fn every_tenth(odd: impl Fn() -> Odd + Send + Sync + 'static) -> Hostile {
    server(move |n| (n % 10 == 9).then(&odd))
}

fn generator(server: &Hostile) -> String {
    format!("mcp-gen --url http://127.0.0.1:{}/sse", server.port())
}

#[test]
fn the_old_transport_is_found_out_or_asked_for_and_all_calls_are_answered() {
    let server = Server::start(&[]);
    let url = server.http().replace("/mcp", "/sse");
    let record = format!(r#"{{"type":"target","url":"{url}","transport":"sse"}}"#);
    for target in [
        format!("mcp-gen --url {url}"),
        format!("echo '{record}' | mcp-gen"),
    ] {
        let stream = load(&target, "");
        assert_eq!(stream.totals()["ok"], 80, "{}", stream.totals()["errors"]);
        let dialect = &stream.totals()["dialects"][0];
        assert_eq!(
            (&dialect["transport"], &dialect["era"]),
            (&"sse".into(), &"legacy".into())
        );
        assert_eq!(stream.totals()["generator"]["stray_answers"], 0);
    }
}

#[test]
fn it_lies_under_tls_as_well() {
    let server = Server::start(&[]);
    let url = server.http();
    let relay = TlsRelay::to(url["http://".len()..].trim_end_matches("/mcp"));
    let url = relay.url("https").replace("/mcp", "/sse");
    let trust = format!("--ca-file {}", relay.ca_file().display());
    let stream = load(&format!("mcp-gen --url {url}"), &trust);
    assert_eq!(stream.totals()["ok"], 80, "{}", stream.totals()["errors"]);
    assert_eq!(stream.totals()["dialects"][0]["transport"], "sse");
}

#[test]
fn a_stream_that_ends_fails_what_was_in_flight_and_the_client_opens_another() {
    let server = every_tenth(|| Odd::EndStream);
    let stream = load(&generator(&server), "");
    let errors = stream.totals()["errors"].as_object().unwrap();
    assert!(errors["stream_ended"].as_u64().unwrap() >= 5, "{errors:?}");
    // A call may have been on its way to a session that was gone by then.
    let known = ["stream_ended", "connection_closed"];
    assert!(
        errors.keys().all(|class| known.contains(&class.as_str())),
        "{errors:?}"
    );
    assert!(stream.totals()["ok"].as_u64().unwrap() >= 40, "{errors:?}");
}

#[test]
fn a_post_that_is_refused_is_the_outcome_of_its_call() {
    let server = every_tenth(|| Odd::Refuse("500 Broken"));
    let stream = load(&generator(&server), "");
    let totals = stream.totals();
    assert_eq!(
        (&totals["errors"]["http_error"], &totals["ok"]),
        (&8.into(), &72.into())
    );
    assert_eq!(totals["codes"]["http_500"], 8, "{totals}");
}

#[test]
fn a_session_that_the_server_has_forgotten_is_opened_anew() {
    let server = every_tenth(|| Odd::Refuse("404 Not Found"));
    let stream = load(&generator(&server), "");
    let errors = stream.totals()["errors"].as_object().unwrap();
    assert!(errors["session_lost"].as_u64().unwrap() >= 5, "{errors:?}");
    assert!(stream.totals()["ok"].as_u64().unwrap() >= 40, "{errors:?}");
}

#[test]
fn a_server_that_takes_calls_and_never_answers_gives_timeouts() {
    let server = every_tenth(|| Odd::Silence);
    let stream = load(&generator(&server), "");
    let totals = stream.totals();
    assert_eq!(
        (&totals["errors"]["timeout"], &totals["ok"]),
        (&8.into(), &72.into())
    );
}

#[test]
fn nonsense_on_the_stream_fails_one_call_each() {
    let server = every_tenth(|| Odd::Say("no json"));
    let stream = load(&generator(&server), "");
    let totals = stream.totals();
    assert_eq!(
        (&totals["errors"]["protocol_error"], &totals["ok"]),
        (&8.into(), &72.into())
    );
}

#[test]
fn an_endpoint_elsewhere_is_not_called() {
    let server = Hostile::listen(|mut client, _| {
        while let Some((head, _)) = Hostile::request(&mut client) {
            let text = if head.starts_with("GET") {
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
                 event: endpoint\ndata: http://127.0.0.1:1/messages\n\n"
            } else {
                "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"
            };
            let _ = client.write_all(text.as_bytes());
        }
    });
    let run = Pipeline::new(format!("{} --for 1s", generator(&server))).run();
    run.assert_stages(&[2]);
    assert!(run.stderr.contains("another origin"), "{}", run.stderr);
}
