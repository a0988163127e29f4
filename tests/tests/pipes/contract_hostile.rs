//! A hostile or broken server can make a call fail, never the generator: it ends in time, counts right, and stays small.

use pipe_tests::{Hostile, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// 4 connections that hold an answer of the largest size that is taken, 16 MiB, twice while their buffers grow; and some
/// 10 MiB for the generator itself.
const MAX_KIB: u64 = (4 * 2 * 16 + 20) * 1024;

/// Makes a short load on one URL, watches its memory, and holds its counts against each other.
#[track_caller]
fn load(url: &str, more: &str) -> Stream {
    let running = Pipeline::new(format!(
        "mcp-gen --url {url} --clients 4 --rate 25/s --connect-for 300ms --warmup 0s --for 800ms --timeout 500ms \
         --interval 200ms -q {more} > run.jsonl"
    ))
    .patience(Duration::from_secs(30))
    .start();
    let mut peak_kib = 0;
    pipe_tests::until("the end of the run", pipe_tests::PATIENCE, || {
        let all = running.processes();
        if let Some(p) = all.iter().find(|p| p.command.starts_with("mcp-gen ")) {
            peak_kib = peak_kib.max(peak_memory_kib(p.pid));
        }
        all.is_empty()
    });
    let run = running.finish();
    run.assert_stages(&[0]);
    assert!(peak_kib > 0 && peak_kib < MAX_KIB, "{peak_kib} KiB");
    let stream = run.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(
        stream.totals()["scheduled"],
        80,
        "the schedule does not care how the server behaves"
    );
    assert_eq!(stream.only("mcp-gen", "end")["why"], "done");
    stream
}

fn peak_memory_kib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    peak.and_then(|p| p.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Asserts that all calls that were not ok fell into these classes, and that there are some.
#[track_caller]
fn assert_only(stream: &Stream, classes: &[&str]) {
    let errors = stream.totals()["errors"]
        .as_object()
        .expect("the schema says so");
    assert!(!errors.is_empty(), "no errors: {}", stream.totals());
    assert!(
        errors.keys().all(|c| classes.contains(&c.as_str())),
        "{errors:?}, wanted of {classes:?}"
    );
}

/// A proxy in front of a good server that lets discovery through, and from then on does as `abuse` says with each
/// connection. It knows a call of the load by `tools/call`, `resources/list` and the like coming from `mcp-gen` after
/// the go.
struct Turncoat {
    _server: Server,
    hostile: Hostile,
}

impl Turncoat {
    /// `abuse(stream, head, body)` answers each HTTP request after the first `fine` ones.
    fn http(
        fine: u64,
        abuse: impl Fn(&mut TcpStream, &str, &[u8]) + Send + Sync + 'static,
    ) -> Self {
        let server = Server::start(&[]);
        let origin = authority(&server.http());
        let (asked, abuse) = (Arc::new(AtomicU64::new(0)), Arc::new(abuse));
        let hostile = Hostile::listen(move |mut client, _| {
            while let Some((head, body)) = Hostile::request(&mut client) {
                if asked.fetch_add(1, Relaxed) >= fine {
                    abuse(&mut client, &head, &body);
                    return;
                }
                let Some(answer) = ask(&origin, &head, &body) else {
                    return;
                };
                if client.write_all(&answer).is_err() {
                    return;
                }
            }
        });
        Self {
            _server: server,
            hostile,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.hostile.port())
    }
}

fn authority(url: &str) -> String {
    url.split('/').nth(2).unwrap_or_default().to_owned()
}

/// Asks the good server on a connection of its own.
fn ask(origin: &str, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut upstream = TcpStream::connect(origin).ok()?;
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    lines.retain(|l| {
        !l.to_ascii_lowercase().starts_with("host:")
            && !l.to_ascii_lowercase().starts_with("connection:")
    });
    let head = format!(
        "{}\r\nHost: {origin}\r\nConnection: close\r\n\r\n",
        lines.join("\r\n")
    );
    upstream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).ok()?;
    // To the client the connection stays open.
    let text = String::from_utf8_lossy(&answer).into_owned();
    Some(
        text.replacen("connection: close\r\n", "", 1)
            .replacen("Connection: close\r\n", "", 1)
            .into_bytes(),
    )
}

/// How many requests discovery makes of a reference server, with everything that comes before the first call.
fn discovery_requests() -> u64 {
    let server = Server::start(&[]);
    let origin = authority(&server.http());
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let hostile = Hostile::listen(move |mut client, _| {
        while let Some((head, body)) = Hostile::request(&mut client) {
            counter.fetch_add(1, Relaxed);
            let Some(answer) = ask(&origin, &head, &body) else {
                return;
            };
            if client.write_all(&answer).is_err() {
                return;
            }
        }
    });
    let run = Pipeline::new(format!(
        "mcp-gen --url http://127.0.0.1:{}/mcp --clients 1 --rate 1/s --connect-for 1s --warmup 0s --for 500ms --seed 1 -q --calls all",
        hostile.port()
    ))
    .run();
    run.assert_stages(&[0]);
    let calls = run.stream().totals()["sent"]
        .as_u64()
        .expect("the schema says so");
    asked.load(Relaxed) - calls
}

fn respond(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

/// What is written until the generator has had enough of it.
fn flood(stream: &mut TcpStream, piece: &[u8]) {
    for _ in 0..(256 << 20) / piece.len() {
        if stream.write_all(piece).is_err() {
            return;
        }
    }
}

#[test]
fn half_answers_and_nonsense_over_http_fail_the_call_with_the_right_class() {
    let fine = discovery_requests();
    type Abuse = fn(&mut TcpStream, &str, &[u8]);
    let abuses: [(&str, Abuse, &[&str]); 8] = [
        (
            "closes without a word",
            |_, _, _| {},
            &["connection_closed", "connect_failed"],
        ),
        (
            "garbage",
            |s, _, _| respond(s, "\x16\x03\x01garbage \0\r\n\r\n", b"\xff\xff"),
            &["protocol_error", "connection_closed"],
        ),
        (
            "half a head",
            |s, _, _| respond(s, "HTTP/1.1 200 OK\r\nContent-Ty", b""),
            &["stream_ended", "connection_closed"],
        ),
        (
            "half a body",
            |s, _, _| {
                respond(
                    s,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n",
                    b"{\"jsonrpc\":",
                )
            },
            &["stream_ended", "connection_closed"],
        ),
        (
            "no JSON",
            |s, _, _| {
                respond(
                    s,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n",
                    b"}{[",
                )
            },
            &["protocol_error", "connection_closed"],
        ),
        (
            "an id that nobody asked with",
            |s, _, _| {
                let body = br#"{"jsonrpc":"2.0","id":987654321,"result":{}}"#;
                respond(
                    s,
                    &format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    ),
                    body,
                );
            },
            &["protocol_error", "connection_closed"],
        ),
        (
            "a stream without the answer",
            |s, _, _| {
                respond(
                    s,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
                    b": hello\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n",
                )
            },
            &["stream_ended", "connection_closed"],
        ),
        (
            "503",
            |s, _, _| respond(s, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", b""),
            &["http_error", "connection_closed"],
        ),
    ];
    for (what, abuse, classes) in abuses {
        let server = Turncoat::http(fine, abuse);
        let stream = load(&server.url(), "--protocol modern");
        let errors = stream.totals()["errors"].as_object().unwrap();
        // `abandoned` and `connect_failed` may come in besides, where the backoff outlasts the run.
        let others = ["abandoned", "connect_failed"];
        let all: Vec<&str> = classes.iter().chain(&others).copied().collect();
        assert_only(&stream, &all);
        assert!(errors.contains_key(classes[0]), "{what}: {errors:?}");
    }
}

#[test]
fn endless_answers_over_http_are_cut_off_and_cost_no_memory() {
    let fine = discovery_requests();
    type Abuse = fn(&mut TcpStream, &str, &[u8]);
    let abuses: [(&str, Abuse); 5] = [
        ("endless headers", |s, _, _| {
            respond(s, "HTTP/1.1 200 OK\r\n", b"");
            flood(s, b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
        }),
        ("one endless header", |s, _, _| {
            respond(s, "HTTP/1.1 200 OK\r\nX-Filler: ", b"");
            flood(s, &[b'a'; 64 * 1024]);
        }),
        ("a body of terabytes", |s, _, _| {
            respond(
                s,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999999999\r\n\r\n",
                b"\"",
            );
            flood(s, &[b'a'; 64 * 1024]);
        }),
        ("endless chunks", |s, _, _| {
            respond(
                s,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"",
            );
            let chunk = [b"10000\r\n" as &[u8], &[b'['; 0x10000], b"\r\n"].concat();
            flood(s, &chunk);
        }),
        ("an endless event", |s, _, _| {
            respond(
                s,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ",
                b"",
            );
            flood(s, &[b'a'; 64 * 1024]);
        }),
    ];
    for (what, abuse) in abuses {
        let server = Turncoat::http(fine, abuse);
        let stream = load(&server.url(), "--protocol modern --max-connections 1");
        assert!(stream.totals()["ok"].as_u64() < Some(10), "{what}");
        assert_only(
            &stream,
            &[
                "protocol_error",
                "timeout",
                "connection_closed",
                "abandoned",
                "connect_failed",
            ],
        );
    }
}

#[test]
fn a_server_that_accepts_and_falls_silent_gives_timeouts() {
    let fine = discovery_requests();
    let server = Turncoat::http(fine, |_, _, _| std::thread::sleep(Duration::from_secs(8)));
    let stream = load(&server.url(), "--protocol modern");
    assert_only(&stream, &["timeout", "abandoned"]);
    assert!(
        stream.totals()["errors"]["timeout"].as_u64() > Some(5),
        "{}",
        stream.totals()["errors"]
    );
}

/// A WebSocket relay in front of a good server: after so many bytes of answers, `abuse` writes what it likes.
fn websocket(
    good_bytes: usize,
    abuse: impl Fn(&mut TcpStream) + Send + Sync + 'static,
) -> (Server, Hostile) {
    let server = Server::start(&[]);
    let origin = authority(&server.ws());
    let hostile = Hostile::listen(move |client, n| {
        // The first connection is discovery's, and each client's handshake is let through.
        let limit = if n == 0 { usize::MAX } else { good_bytes };
        let Ok(mut own) = client.try_clone() else {
            return;
        };
        let mut passed = 0;
        Hostile::relay(client, &origin, |bytes| {
            passed += bytes.len();
            if passed < limit {
                return Some(bytes);
            }
            abuse(&mut own);
            None
        });
    });
    (server, hostile)
}

#[test]
fn broken_frames_over_websocket_fail_the_calls_in_flight_and_the_client_reconnects() {
    type Abuse = fn(&mut TcpStream);
    let abuses: [(&str, Abuse); 9] = [
        ("garbage", |s| drop(s.write_all(&[0xff; 300]))),
        ("reserved bits", |s| {
            drop(s.write_all(&[0xf1, 2, b'{', b'}']))
        }),
        ("a masked frame", |s| {
            drop(s.write_all(&[0x81, 0x82, 1, 2, 3, 4, 0, 0]))
        }),
        ("an unknown opcode", |s| drop(s.write_all(&[0x83, 0]))),
        ("a fragmented ping", |s| drop(s.write_all(&[0x09, 1, b'x']))),
        ("a length of exabytes", |s| {
            let _ = s.write_all(&[0x81, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
            flood(s, &[b'a'; 64 * 1024]);
        }),
        ("endless fragments", |s| {
            let _ = s.write_all(&[0x01, 1, b'"']);
            flood(s, &[0x00, 4, b'a', b'a', b'a', b'a'].repeat(50_000));
        }),
        ("half a frame", |s| drop(s.write_all(&[0x81, 100, b'{']))),
        ("invalid UTF-8", |s| {
            drop(s.write_all(&[0x81, 2, 0xc3, 0x28]))
        }),
    ];
    for (what, abuse) in abuses {
        let (_server, hostile) = websocket(8_000, abuse);
        let stream = load(&format!("ws://127.0.0.1:{}/mcp", hostile.port()), "");
        assert_only(
            &stream,
            &[
                "protocol_error",
                "connection_closed",
                "timeout",
                "abandoned",
                "connect_failed",
            ],
        );
        // A connection carries some good answers before it turns bad; how many of them live so long is the machine's affair.
        assert!(
            stream.totals()["ok"].as_u64() > Some(0),
            "{what}: {}",
            stream.totals()
        );
        assert!(hostile.accepted() > 5, "{what}: nobody reconnected");
    }
}

#[test]
fn answers_with_unknown_and_repeated_ids_are_strays_and_count_as_no_call() {
    let frame = |text: &str| [&[0x81, text.len() as u8], text.as_bytes()].concat();
    let unknown = frame(r#"{"jsonrpc":"2.0","id":99999999,"result":{}}"#);
    let server = Server::start(&[]);
    let origin = authority(&server.ws());
    let hostile = Hostile::listen(move |client, n| {
        let unknown = unknown.clone();
        // Said behind each read of whole frames: a reference server writes each answer in one piece.
        let mut handshake = true;
        Hostile::relay(client, &origin, move |bytes| {
            if std::mem::take(&mut handshake) || n == 0 {
                return Some(bytes);
            }
            // Everything twice, and one that nobody asked for.
            Some([&bytes[..], &bytes, &unknown].concat())
        });
    });
    let stream = load(&format!("ws://127.0.0.1:{}/mcp", hostile.port()), "");
    let totals = stream.totals();
    let (ok, strays) = (
        totals["ok"].as_u64().unwrap(),
        totals["generator"]["stray_answers"].as_u64().unwrap(),
    );
    // Whether a stray fails the connection or is let pass, it is told, and no call is counted twice.
    assert!(ok > 0 && strays > 0, "{totals}");
    let errors = totals["errors"].as_object().unwrap();
    let classes = [
        "protocol_error",
        "connection_closed",
        "abandoned",
        "connect_failed",
    ];
    assert!(
        errors.keys().all(|c| classes.contains(&c.as_str())),
        "{errors:?}"
    );
}

#[test]
fn a_server_hostile_from_the_first_byte_gives_a_sentence_and_status_2_and_no_hang() {
    type Abuse = fn(&mut TcpStream);
    let abuses: [(&str, Abuse); 6] = [
        ("closes at once", |_| {}),
        ("says nothing", |_| {
            std::thread::sleep(Duration::from_secs(6))
        }),
        ("garbage", |s| drop(s.write_all(&[0x80; 5_000]))),
        ("endless headers", |s| {
            let _ = s.write_all(b"HTTP/1.1 200 OK\r\n");
            flood(
                s,
                b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            );
        }),
        ("a web page", |s| {
            let mut some = [0; 4_096];
            let _ = s.read(&mut some);
            let _ = s.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<html",
            );
        }),
        ("an endless list of tools", |s| {
            let mut some = [0; 4_096];
            let _ = s.read(&mut some);
            let _ = s.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
            flood(
                s,
                &[b"4000\r\n" as &[u8], &[b'['; 0x4000], b"\r\n"].concat(),
            );
        }),
    ];
    for (what, abuse) in abuses {
        let hostile = Hostile::listen(move |mut stream, _| abuse(&mut stream));
        for scheme in ["http", "ws"] {
            let run = Pipeline::new(format!(
                "mcp-gen --url {scheme}://127.0.0.1:{}/mcp --timeout 1s --for 1s -q",
                hostile.port()
            ))
            .patience(Duration::from_secs(30))
            .run();
            run.assert_stages(&[2]);
            let fatal = run.stream();
            let fatal = fatal.warnings("fatal");
            assert_eq!(fatal.len(), 1, "{scheme}, {what}");
            assert!(
                run.stderr.starts_with("mcp-gen: "),
                "{scheme}, {what}: {}",
                run.stderr
            );
            assert!(
                run.stderr.lines().count() == 1,
                "{scheme}, {what}: {}",
                run.stderr
            );
        }
    }
}
