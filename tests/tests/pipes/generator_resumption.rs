//! Streams that end without the answer are asked for again with `Last-Event-ID`, and their calls keep one outcome.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    Hostile, Pipeline, Server, Stream, answer, assert_conserved, assert_intervals_add_up,
};
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn load(url: &str, more: &str) -> Stream {
    let timeout = if more.contains("--timeout") {
        ""
    } else {
        "--timeout 8s"
    };
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --connect-for 300ms --warmup 0s --for 600ms --interval 200ms -q --method tools/call \
         {timeout} {more}"
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

fn error(stream: &Stream, class: &str) -> u64 {
    stream.totals()["errors"][class].as_u64().unwrap_or(0)
}

#[test]
fn answers_of_streams_that_the_server_cuts_off_come_after_a_retry() {
    let server = Server::start(&["--answers", "sse", "--cut-streams", "25ms"]);
    let slow = "--tool slow --args 'slow={\"ms\":60}'";
    for more in [
        "--protocol 2025-11-25 --clients 4 --rate 10/s",
        "--protocol 2025-11-25 --clients 2 --closed --threads 2",
    ] {
        let stream = load(&server.http(), &format!("{more} {slow}"));
        let totals = stream.totals();
        assert_eq!(totals["ok"], totals["scheduled"], "{more}: {totals}");
        // A cut at 25 ms, 100 ms of rest, and the answer has come meanwhile. (A machine that stands still may be late
        // with a cut.)
        let resumed = count(&stream, "resumed");
        assert!(resumed > 0, "{more}: {totals}");
        let intervals: u64 = stream
            .from("mcp-gen", "interval")
            .iter()
            .map(|row| row["resumed"].as_u64().unwrap_or(0))
            .sum();
        assert_eq!(resumed, intervals, "{more}");
    }
    // Before 2025-11-25 nothing comes ahead of the answer, so there is no event to go on from.
    let stream = load(
        &server.http(),
        &format!("--protocol 2025-06-18 --clients 2 --rate 10/s {slow}"),
    );
    let ended = error(&stream, "stream_ended");
    assert!(ended > 0, "{}", stream.totals());
    assert_eq!(ended + count(&stream, "ok"), 12, "{}", stream.totals());
    assert!(stream.totals()["resumed"].is_null());
}

#[test]
fn an_answer_that_was_lost_with_its_connection_is_delivered_again() {
    let server = Server::start(&[
        "--answers",
        "sse",
        "--latency",
        "30ms",
        "--resumable-answers",
    ]);
    let authority = server.http()["http://".len()..]
        .split_once('/')
        .unwrap()
        .0
        .to_owned();
    let cuts = Arc::new(AtomicU64::new(0));
    let cut = Arc::clone(&cuts);
    // The first connection is the one that asks what there is.
    let relay = Hostile::listen(move |client, n| {
        let (cuts, mut primed) = (Arc::clone(&cut), false);
        Hostile::relay(client, &authority, move |piece| {
            // What follows on the event that says when to come back is lost, the first ten times.
            if n > 0 && primed && cuts.fetch_add(1, Relaxed) < 10 {
                return None;
            }
            // On a busy machine both come in one piece, and the next one belongs to another call.
            let holds = |what: &[u8]| piece.windows(what.len()).any(|w| w == what);
            primed = holds(b"retry:") && !holds(b"jsonrpc");
            Some(piece)
        });
    });
    let url = format!("http://127.0.0.1:{}/mcp", relay.port());
    let stream = load(&url, "--protocol 2025-11-25 --clients 4 --rate 20/s");
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert!(cuts.load(Relaxed) > 10, "the relay has cut");
    assert!(count(&stream, "resumed") > 0, "{totals}");
}

/// What a scripted server does with a request: `events` begins a stream, and with `ends` it ends there.
struct Said {
    head: &'static str,
    events: String,
    ends: bool,
}

const EVENTS: &str = "200 OK\r\nContent-Type: text/event-stream";

/// A server of Streamable HTTP that deals with calls and GETs as `odd` says.
fn scripted(odd: impl Fn(&str, &Value) -> Said + Send + Sync + 'static) -> Hostile {
    Hostile::listen(move |mut client: TcpStream, _| {
        while let Some((head, body)) = Hostile::request(&mut client) {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let is_odd =
                head.starts_with("GET ") || request.is_array() || request["method"] == "tools/call";
            let (text, goes_on) = if is_odd {
                let said = odd(&head, &request);
                let chunk = match said.events.len() {
                    0 => String::new(),
                    n => format!("{n:x}\r\n{}\r\n", said.events),
                };
                let end = if said.ends { "0\r\n\r\n" } else { "" };
                let head = said.head;
                (
                    format!("HTTP/1.1 {head}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{end}"),
                    said.ends,
                )
            } else if request.get("id").is_none() {
                (
                    "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned(),
                    true,
                )
            } else {
                let mut sane = answer(&request, false);
                if request["method"] == "initialize" {
                    sane["result"]["protocolVersion"] =
                        request["params"]["protocolVersion"].clone();
                }
                let sane = sane.to_string();
                let length = sane.len();
                (
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s1\r\nContent-Length: {length}\r\n\r\n{sane}"
                    ),
                    true,
                )
            };
            if client.write_all(text.as_bytes()).is_err() {
                return;
            }
            if !goes_on {
                // The stream stands until the other side leaves it.
                while let Ok(1..) = std::io::Read::read(&mut client, &mut [0; 64]) {}
                return;
            }
        }
    })
}

fn url(server: &Hostile) -> String {
    format!("http://127.0.0.1:{}/mcp", server.port())
}

fn last_event_id(head: &str) -> Option<&str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, id) = lines.find(|(name, _)| name.eq_ignore_ascii_case("last-event-id"))?;
    Some(id.trim())
}

#[test]
fn the_servers_retry_is_kept_and_a_stream_that_stays_open_behind_the_answer_is_left() {
    let cut = Arc::new(Mutex::new(None::<(Instant, Value)>));
    let soonest = Arc::new(Mutex::new(Duration::MAX));
    let (cut_at, least) = (Arc::clone(&cut), Arc::clone(&soonest));
    let server = scripted(move |head, request| match last_event_id(head) {
        None => {
            *cut_at.lock().unwrap() = Some((Instant::now(), answer(request, false)));
            Said {
                head: EVENTS,
                events: "id: a/1\nretry: 150\ndata:\n\n".to_owned(),
                ends: true,
            }
        }
        Some(id) => {
            assert_eq!(id, "a/1");
            let (at, answer) = cut_at.lock().unwrap().take().unwrap();
            let mut least = least.lock().unwrap();
            *least = at.elapsed().min(*least);
            Said {
                head: EVENTS,
                events: format!("id: a/2\ndata: {answer}\n\n"),
                ends: false,
            }
        }
    });
    let stream = load(&url(&server), "--protocol 2025-11-25 --clients 1 --closed");
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert_eq!(totals["resumed"], totals["ok"], "{totals}");
    let soonest = *soonest.lock().unwrap();
    assert!(soonest >= Duration::from_millis(150), "{soonest:?}");
    let connects = totals["generator"]["connects"].as_u64().unwrap();
    assert!(connects >= count(&stream, "ok"), "{totals}");
}

#[test]
fn what_cannot_be_resumed_has_ended_with_its_stream() {
    // A server that refuses, one that gives no ids, and one that cuts off for ever and would be asked at once.
    let cases: [(&str, &str, bool); 4] = [
        (
            "405 Method Not Allowed",
            "id: 1\nretry: 20\ndata:\n\n",
            true,
        ),
        ("405 Method Not Allowed", "retry: 20\n: nothing\n\n", false),
        (EVENTS, "id: 1\nretry: 0\ndata:\n\n", true),
        (EVENTS, "id: 1\nretry: 9999999999999999\ndata:\n\n", false),
    ];
    for (head, events, asks) in cases {
        let gets = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&gets);
        let server = scripted(move |request, _| {
            let is_get = request.starts_with("GET ");
            counted.fetch_add(u64::from(is_get), Relaxed);
            Said {
                head: if is_get { head } else { EVENTS },
                events: events.to_owned(),
                ends: true,
            }
        });
        let stream = load(
            &url(&server),
            "--protocol 2025-11-25 --clients 1 --rate 5/s --timeout 400ms",
        );
        assert_eq!(
            error(&stream, "stream_ended"),
            3,
            "{head} {events}: {}",
            stream.totals()
        );
        let gets = gets.load(Relaxed);
        assert_eq!(gets > 0, asks, "{head} {events}: {gets} GETs");
        // Each at most every 10 ms for 400 ms.
        assert!(gets <= 3 * 41, "{head} {events}: {gets} GETs");
        assert_eq!(count(&stream, "resumed"), gets);
    }
}

#[test]
fn of_a_batch_what_is_missing_is_resumed() {
    // What each stream has still to say.
    let streams: Mutex<Vec<Vec<Value>>> = Mutex::default();
    let server = scripted(move |head, request| {
        let mut streams = streams.lock().unwrap();
        let (answers, of) = match request {
            Value::Null => {
                let id = last_event_id(head).unwrap();
                let of: usize = id.strip_suffix("/0").unwrap().parse().unwrap();
                (std::mem::take(&mut streams[of]), of)
            }
            calls => {
                let calls = match calls {
                    Value::Array(calls) => calls.as_slice(),
                    call => std::slice::from_ref(call),
                };
                let mut answers: Vec<Value> = calls.iter().map(|c| answer(c, false)).collect();
                streams.push(answers.split_off(1));
                (answers, streams.len() - 1)
            }
        };
        let events = answers.iter().enumerate();
        Said {
            head: EVENTS,
            events: events
                .map(|(n, answer)| format!("id: {of}/{n}\nretry: 10\ndata: {answer}\n\n"))
                .collect(),
            ends: true,
        }
    });
    let stream = load(
        &url(&server),
        "--protocol 2025-03-26 --clients 1 --closed --batch 4 --in-flight 4 --max-connections 1",
    );
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert!(count(&stream, "resumed") >= 3, "{totals}");
}
