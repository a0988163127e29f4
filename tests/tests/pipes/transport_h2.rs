//! Streamable HTTP over HTTP/2: by prior knowledge and by ALPN, on our server and on
//! servers that break it. One that we did not write is among the peers.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use crate::h2_peer::*;
use crate::tls_relay::TlsRelay;
use pipe_tests::{
    Hostile, Pipeline, Server, Stream, answer, assert_conserved, assert_intervals_add_up, scheduled,
};
use std::collections::BTreeSet;

const LOAD: &str = "--clients 3 --rate 40/s --for 1s --warmup 200ms --connect-for 800ms -q";

fn authority(server: &Server) -> String {
    let url = server.http();
    url["http://".len()..].trim_end_matches("/mcp").to_owned()
}

/// Runs `mcp-gen flags | mcp-report`; the stream is whole and adds up.
fn load(flags: &str) -> Stream {
    let done = Pipeline::new(format!(
        "mcp-gen {flags} | tee run.jsonl | mcp-report --json report.json"
    ))
    .run();
    assert!(
        matches!(done.stages[..], [0, 0, 0 | 3]),
        "{:?} {}",
        done.stages,
        done.stderr
    );
    let stream = done.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

#[track_caller]
fn assert_all_ok(stream: &Stream) {
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    assert!(totals["ok"].as_u64().unwrap() > 0, "{totals}");
}

/// What was spoken with the first server.
fn http(stream: &Stream) -> String {
    let dialect = &stream.totals()["dialects"][0];
    dialect["http"].as_str().unwrap_or("none").to_owned()
}

/// The ports that calls went out from.
fn ports(stream: &Stream) -> BTreeSet<u64> {
    let calls = stream.of("call");
    calls
        .iter()
        .filter_map(|c| c["local_port"].as_u64())
        .collect()
}

#[test]
fn many_calls_at_a_time_share_the_one_connection_of_their_client_in_both_eras_and_forms() {
    for era in ["legacy", "modern"] {
        for answers in ["json", "sse"] {
            // Some ten calls of a client are under way at any time, which would be as many connections of HTTP/1.1.
            let server = Server::start(&["--latency", "80ms", "--answers", answers]);
            let stream = load(&format!(
                "--url {} --http2 always --protocol {era} --clients 3 --rate 120/s --for 1s --warmup 0s --connect-for 800ms --calls all -q",
                server.http()
            ));
            assert_all_ok(&stream);
            assert_eq!(http(&stream), "2");
            assert_eq!(
                ports(&stream).len(),
                3,
                "{era} {answers}: {:?}",
                ports(&stream)
            );
            assert!(scheduled(&stream, "steady").abs_diff(360) <= 6);
        }
    }
}

#[test]
fn without_being_asked_for_http_2_is_spoken_only_where_tls_has_agreed_on_it() {
    let server = Server::start(&[]);
    assert_eq!(
        http(&load(&format!("--url {} {LOAD}", server.http()))),
        "1.1"
    );
    for (alpn, flag, agreed, spoken) in [
        (&["h2", "http/1.1"][..], "auto", "h2", "2"),
        (&["h2", "http/1.1"], "never", "http/1.1", "1.1"),
        (&["http/1.1"], "auto", "http/1.1", "1.1"),
        (&[], "auto", "", "1.1"),
        (&["h2"], "always", "h2", "2"),
    ] {
        let relay = TlsRelay::offering(&authority(&server), alpn);
        let stream = load(&format!(
            "--url {} --insecure --http2 {flag} {LOAD}",
            relay.url("https")
        ));
        assert_all_ok(&stream);
        assert_eq!(http(&stream), spoken, "{alpn:?} {flag}");
        let all = relay.agreed();
        assert!(all.iter().all(|a| a == agreed), "{alpn:?} {flag}: {all:?}");
    }
}

#[test]
fn websocket_stays_on_http_1_1_where_the_server_would_rather_speak_http_2() {
    let server = Server::start(&[]);
    let relay = TlsRelay::offering(&authority(&server), &["h2", "http/1.1"]);
    let url = relay.url("wss");
    assert_all_ok(&load(&format!("--url {url} --insecure {LOAD}")));
    assert!(
        relay.agreed().iter().all(|a| a != "h2"),
        "{:?}",
        relay.agreed()
    );
}

#[test]
fn a_server_that_does_not_speak_it_is_told_with_the_way_out() {
    let server = Server::start(&[]);
    let old = Hostile::listen(|mut client, _| {
        use std::io::{Read as _, Write as _};
        let _ = client.read(&mut [0; 4096]);
        let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    let plain = format!("http://127.0.0.1:{}/mcp", old.port());
    let relay = TlsRelay::offering(&authority(&server), &["http/1.1"]);
    let silent = TlsRelay::to(&authority(&server));
    for url in [plain, relay.url("https"), silent.url("https")] {
        let done = Pipeline::new(format!(
            "mcp-gen --url {url} --insecure --http2 always --for 1s | mcp-report"
        ))
        .run();
        done.assert_stages(&[2, 2]);
        assert!(
            done.stderr
                .contains("does not speak HTTP/2: leave --http2 always away"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn sessions_cookies_and_batches_go_over_streams_as_over_connections() {
    let server = Server::start(&["--cookie", "sticky", "--session-ttl", "400ms"]);
    let stream = load(&format!(
        "--url {} --http2 always --protocol legacy --clients 2 --rate 20/s --for 2s --warmup 0s --connect-for 500ms -q",
        server.http()
    ));
    let totals = stream.totals();
    let lost = totals["errors"]["session_lost"].as_u64().unwrap_or(0);
    // Each session ends four times, and the client has a new one.
    assert!(lost >= 2, "{totals}");
    let ok = totals["ok"].as_u64().unwrap();
    assert_eq!(ok + lost, totals["scheduled"].as_u64().unwrap(), "{totals}");
    assert!(ok > lost, "{totals}");
    let server = Server::start(&[]);
    let batched = load(&format!(
        "--url {} --http2 always --protocol 2025-03-26 --batch 8 --closed --clients 2 --for 1s --warmup 0s --connect-for 500ms -q",
        server.http()
    ));
    assert_all_ok(&batched);
}

#[test]
fn a_stream_that_ends_without_its_answer_is_asked_for_again_on_another_stream() {
    let server = Server::start(&["--answers", "sse", "--cut-streams", "25ms"]);
    let stream = load(&format!(
        "--url {} --http2 always --protocol 2025-11-25 --method tools/call --tool slow --args 'slow={{\"ms\":60}}' --clients 2 --rate 10/s --for 1s --warmup 0s --connect-for 500ms --timeout 8s -q",
        server.http()
    ));
    assert_all_ok(&stream);
    let resumed = stream.totals()["resumed"].as_u64().unwrap_or(0);
    assert!(resumed > 0, "{}", stream.totals());
}

#[test]
fn what_a_client_subscribed_to_comes_on_a_stream_beside_its_calls() {
    let server = Server::start(&["--change-every", "100ms", "--resources", "10"]);
    for era in ["legacy", "modern"] {
        // A window of one call: the stream of notifications must not take it.
        let stream = load(&format!(
            "--url {} --http2 always --protocol {era} --closed --think 20ms --clients 2 --for 1s --warmup 0s --connect-for 500ms --method resources/list --subscribe 'mcpipe://text/1*' --calls all -q",
            server.http()
        ));
        assert_all_ok(&stream);
        assert_eq!(ports(&stream).len(), 2, "{era}");
        let totals = stream.totals();
        let heard = totals["heard"].clone();
        assert_eq!(
            heard["subscribed"], 4,
            "{era}: texts 1 and 10, of each client: {totals}"
        );
        let updates = heard["notifications"]["resources/updated"].as_u64();
        assert!(updates.unwrap_or(0) >= 8, "{era}: {heard}");
    }
}

#[test]
fn a_body_larger_than_the_server_s_window_arrives_in_pieces() {
    // INITIAL_WINDOW_SIZE 50: a call has some 100 bytes, and each piece makes room for the next.
    let stream = treated(&[0, 4, 0, 0, 0, 50], |asked| Some(reply(asked)));
    assert_all_ok(&stream);
}

/// The final totals after calls to a server that treats them so.
fn treated(
    settings: &'static [u8],
    odd: impl Fn(&Asked) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Stream {
    let peer = h2_peer(settings, odd);
    load(&format!(
        "--url http://127.0.0.1:{}/mcp --http2 always --method tools/call --clients 2 --rate 20/s --for 1s --warmup 0s --connect-for 500ms --timeout 700ms -q",
        peer.port()
    ))
}

/// How many calls ended in a class.
fn count(stream: &Stream, class: &str) -> u64 {
    stream.totals()["errors"][class].as_u64().unwrap_or(0)
}

fn reply(asked: &Asked) -> Vec<u8> {
    sane(
        asked.stream,
        answer(&asked.message, true).to_string().as_bytes(),
    )
}

/// That all calls ended in a class, and the generator went on.
#[track_caller]
fn assert_class(stream: &Stream, class: &str, how: &str) {
    let totals = stream.totals();
    assert_eq!(
        count(stream, class),
        totals["scheduled"].as_u64().unwrap(),
        "{how}: {totals}"
    );
    assert!(
        totals["scheduled"].as_u64().unwrap() >= 36,
        "{how}: {totals}"
    );
}

#[test]
fn a_sane_peer_is_called_without_an_error() {
    assert_all_ok(&treated(&[], |asked| Some(reply(asked))));
}

#[test]
fn a_stream_that_is_reset_is_a_closed_connection_before_the_answer_began_and_an_ended_stream_after()
{
    let reset = |stream: u32| frame(RST_STREAM, 0, stream, &[0, 0, 0, 2]);
    let storm = treated(&[], move |asked| Some(reset(asked.stream)));
    assert_class(&storm, "connection_closed", "reset");
    let late = treated(&[], move |asked| {
        let head = frame(HEADERS, END_HEADERS, asked.stream, GOOD_HEAD);
        Some([head, reset(asked.stream)].concat())
    });
    assert_class(&late, "stream_ended", "reset behind the head");
}

#[test]
fn after_a_goaway_calls_that_were_not_looked_at_are_closed_and_the_client_connects_anew() {
    // Each connection answers three calls; of the fourth it says that it has not looked at it.
    let answered = std::sync::Mutex::new(std::collections::HashMap::new());
    let stream = treated(&[], move |asked| {
        let mut answered = answered.lock().unwrap();
        let calls: &mut u32 = answered.entry(asked.connection).or_default();
        *calls += 1;
        if calls.is_multiple_of(4) {
            let last = (asked.stream - 2).to_be_bytes();
            let said = [&last[..], &[0, 0, 0, 0]].concat();
            return Some(frame(GOAWAY, 0, 0, &said));
        }
        Some(reply(asked))
    });
    let (closed, totals) = (count(&stream, "connection_closed"), stream.totals());
    assert!(closed >= 4, "{totals}");
    assert_eq!(
        totals["ok"].as_u64().unwrap() + closed,
        totals["scheduled"].as_u64().unwrap(),
        "{totals}"
    );
    assert!(totals["ok"].as_u64().unwrap() > closed, "{totals}");
}

#[test]
fn a_server_that_breaks_frames_breaks_its_calls_and_never_the_generator() {
    type Odd = fn(u32) -> Vec<u8>;
    let odd: [(&str, Odd); 12] = [
        ("a frame beyond all limits", |_| {
            frame(DATA, 0, 1, &[0; 20_000])
        }),
        ("data on stream 0", |_| frame(DATA, 0, 0, b"x")),
        ("a stream that nobody opened", |s| {
            frame(HEADERS, END_HEADERS, s + 1_000, GOOD_HEAD)
        }),
        ("a stream of the server's own", |_| {
            frame(HEADERS, END_HEADERS, 2, GOOD_HEAD)
        }),
        ("a push", |s| {
            frame(PUSH_PROMISE, END_HEADERS, s, &[0, 0, 0, 2, 0x88])
        }),
        ("an index that belongs to nothing", |s| {
            frame(HEADERS, END_HEADERS, s, &[0xff, 0x7f])
        }),
        ("settings of half a size", |_| {
            frame(SETTINGS, 0, 0, &[0; 5])
        }),
        ("a window beyond 2^31", |_| {
            [frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])].concat()
        }),
        ("another frame in a header block", |s| {
            [frame(HEADERS, 0, s, GOOD_HEAD), frame(PING, 0, 0, &[0; 8])].concat()
        }),
        ("headers without an end", |s| {
            let mut bytes = frame(HEADERS, 0, s, GOOD_HEAD);
            for _ in 0..20 {
                bytes.extend(frame(CONTINUATION, 0, s, &[0; 16_000]));
            }
            bytes
        }),
        (
            "a header that is remembered and said a thousand times",
            |s| {
                let name = [&[0x40, 1, b'a', 0x7f, 0xa1, 0x1e][..], &[b'b'; 4_000]].concat();
                let block = [&name[..], &[0xbe; 1_000]].concat();
                frame(HEADERS, END_HEADERS, s, &block)
            },
        ),
        ("a padding longer than its frame", |s| {
            frame(DATA, 8, s, &[200, 1, 2])
        }),
    ];
    for (how, bytes) in odd {
        let stream = treated(&[], move |asked| Some(bytes(asked.stream)));
        let totals = stream.totals();
        let broken = count(&stream, "protocol_error");
        assert!(broken >= 1, "{how}: {totals}");
        assert_eq!(totals["ok"], 0, "{how}: {totals}");
        let told = stream.warnings("protocol_error");
        assert!(!told.is_empty(), "{how}: nobody was told");
    }
}

#[test]
fn an_answer_that_is_none_breaks_its_call_and_leaves_the_connection_alone() {
    type Odd = fn(&Asked) -> Vec<u8>;
    let odd: [(&str, Odd); 4] = [
        ("no status", |asked| {
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                asked.stream,
                b"\x0f\x10\x10application/json",
            )
        }),
        ("a body before its head", |asked| {
            frame(DATA, END_STREAM, asked.stream, b"{}")
        }),
        ("a body that is shorter than was said", |asked| {
            let head = [GOOD_HEAD, b"\x0f\x0d\x03100"].concat();
            [
                frame(HEADERS, END_HEADERS, asked.stream, &head),
                frame(DATA, END_STREAM, asked.stream, b"{}"),
            ]
            .concat()
        }),
        ("a header with a name in capitals", |asked| {
            let head = [GOOD_HEAD, b"\x00\x01A\x01b"].concat();
            frame(HEADERS, END_HEADERS | END_STREAM, asked.stream, &head)
        }),
    ];
    for (how, bytes) in odd {
        let peers = std::sync::Arc::new(std::sync::Mutex::new(BTreeSet::new()));
        let seen = std::sync::Arc::clone(&peers);
        let stream = treated(&[], move |asked| {
            seen.lock().unwrap().insert(asked.connection);
            Some(bytes(asked))
        });
        assert_class(&stream, "protocol_error", how);
        assert_eq!(
            peers.lock().unwrap().len(),
            2,
            "{how}: one connection for each client"
        );
    }
}

#[test]
fn a_server_that_takes_no_body_or_no_stream_leaves_calls_unsent() {
    // INITIAL_WINDOW_SIZE 0 would keep discovery out too, so the window closes with the first call.
    let closed = treated(&[], |asked| {
        let shut = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
        Some(match asked.message["id"].as_u64() {
            _ if asked.connection == 0 => reply(asked),
            _ => [reply(asked), shut].concat(),
        })
    });
    let (unsent, totals) = (count(&closed, "abandoned"), closed.totals());
    assert!(unsent >= 20, "{totals}");
    assert_eq!(
        totals["ok"].as_u64().unwrap() + unsent,
        totals["scheduled"].as_u64().unwrap(),
        "{totals}"
    );
    let none = treated(&[], |asked| {
        let shut = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 0]);
        Some([reply(asked), shut].concat())
    });
    let (unsent, totals) = (count(&none, "abandoned"), none.totals());
    assert!(unsent >= 20, "{totals}");
    assert_eq!(
        totals["ok"].as_u64().unwrap() + unsent,
        totals["scheduled"].as_u64().unwrap(),
        "{totals}"
    );
}

#[test]
fn a_flood_of_settings_and_pings_that_nobody_reads_the_answers_of_costs_the_connection() {
    let stream = treated(&[], |asked| {
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            bytes.extend(frame(SETTINGS, 0, 0, &[]));
            bytes.extend(frame(PING, 0, 0, &[0; 8]));
        }
        bytes.extend(reply(asked));
        Some(bytes)
    });
    // Whether it reads in time is the machine's affair: each call is over, one way or the other.
    let totals = stream.totals();
    let known = [
        "protocol_error",
        "timeout",
        "connection_closed",
        "abandoned",
        "connect_failed",
        "stream_ended",
    ];
    let counted: u64 = known.iter().map(|class| count(&stream, class)).sum();
    assert_eq!(
        totals["ok"].as_u64().unwrap() + counted,
        totals["scheduled"].as_u64().unwrap(),
        "{totals}"
    );
}

#[test]
fn a_limit_of_streams_is_kept_and_what_finds_no_room_waits() {
    // MAX_CONCURRENT_STREAMS 2.
    let stream = treated(&[0, 3, 0, 0, 0, 2], |asked| Some(reply(asked)));
    assert_all_ok(&stream);
}
