//! Servers that behave oddly, yet within or near the rules: the generator goes on calling them, and counts right.

use pipe_tests::{Hostile, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The answer of a small server of the legacy era.
fn answer(request: &Value) -> Value {
    let result = match request["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "odd", "version": "1"},
        }),
        Some("tools/list") => json!({"tools": [{
            "name": "nop",
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": true},
        }]}),
        _ => json!({"content": []}),
    };
    json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
}

fn with_length(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A server that answers each request as `odd` says (and closes where that gives false), and sanely where it gives
/// `None`.
fn server(
    odd: impl Fn(&mut TcpStream, &str, &Value) -> Option<bool> + Send + Sync + 'static,
) -> Hostile {
    Hostile::listen(move |mut client, _| {
        while let Some((head, body)) = Hostile::request(&mut client) {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let goes_on = odd(&mut client, &head, &request).unwrap_or_else(|| {
                let text = match request.get("id") {
                    Some(_) => with_length("200 OK", "", &answer(&request).to_string()),
                    None => with_length("202 Accepted", "", ""),
                };
                client.write_all(text.as_bytes()).is_ok()
            });
            if !goes_on {
                return;
            }
        }
    })
}

fn load(url: &str, more: &str) -> Stream {
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --protocol legacy --connect-for 300ms --warmup 0s --timeout 1s --interval 100ms -q {more}"
    ))
    .patience(Duration::from_secs(60))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

fn http(server: &Hostile) -> String {
    format!("http://127.0.0.1:{}/mcp", server.port())
}

#[test]
fn an_answer_to_initialize_may_end_with_its_connection() {
    let server = server(|client, _, request| {
        request.get("id")?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
        let _ = client.write_all(format!("{head}{}", answer(request)).as_bytes());
        Some(false)
    });
    let stream = load(&http(&server), "--clients 2 --rate 20/s --for 1s");
    assert_eq!(stream.totals()["ok"], 40, "{}", stream.totals()["errors"]);
}

#[test]
fn a_client_whose_new_session_fails_with_its_connection_tries_again_beside_the_connections_that_stand()
 {
    let (calls, sessions) = (AtomicU64::new(0), AtomicU64::new(0));
    let (lost, refused) = (AtomicBool::new(false), AtomicBool::new(false));
    let server = server(
        move |client, head, request| match request["method"].as_str() {
            Some("initialize") => {
                if lost.load(Relaxed) && !refused.swap(true, Relaxed) {
                    return Some(false);
                }
                let session = sessions.fetch_add(1, Relaxed) + 1;
                let more = format!("Mcp-Session-Id: s{session}\r\n");
                let text = with_length("200 OK", &more, &answer(request).to_string());
                Some(client.write_all(text.as_bytes()).is_ok())
            }
            Some("tools/call") => {
                // Slow enough that the client needs several connections.
                std::thread::sleep(Duration::from_millis(30));
                if calls.fetch_add(1, Relaxed) == 50 {
                    lost.store(true, Relaxed);
                }
                // Discovery has had the first session, the client the second, and that one is lost.
                let is_lost =
                    lost.load(Relaxed) && head.to_lowercase().contains("mcp-session-id: s2\r\n");
                is_lost.then(|| {
                    client
                        .write_all(with_length("404 Not Found", "", "").as_bytes())
                        .is_ok()
                })
            }
            _ => None,
        },
    );
    let stream = load(&http(&server), "--clients 1 --rate 100/s --for 2s");
    let totals = stream.totals();
    assert!(totals["ok"].as_u64() > Some(150), "{}", totals["errors"]);
    let errors = totals["errors"].as_object().unwrap();
    assert!(errors.contains_key("session_lost"), "{errors:?}");
    assert!(!errors.contains_key("http_error"), "{errors:?}");
}

#[test]
fn an_answer_before_its_request_has_left_is_counted_once() {
    // It knows the ids that come, and answers the next call within the bytes of this one's answer, as a stream that it
    // leaves open until that call is there.
    let open = AtomicBool::new(false);
    let server = server(move |client, _, request| {
        if request["method"] != "tools/call" {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
        let text = if open.fetch_xor(true, Relaxed) {
            "0\r\n\r\n".to_owned()
        } else {
            let next = json!({"id": request["id"].as_u64()? + 1});
            let event = format!("data: {}\n\n", answer(&next));
            format!(
                "{}HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n",
                with_length("200 OK", "", &answer(request).to_string()),
                event.len()
            )
        };
        Some(client.write_all(text.as_bytes()).is_ok())
    });
    let stream = load(
        &http(&server),
        "--clients 1 --max-connections 1 --rate 200/s --for 1s",
    );
    let totals = stream.totals();
    assert!(totals["ok"].as_u64() > Some(20), "{}", totals["errors"]);
    assert_eq!(totals["ok"], totals["response"]["count"]);
}

#[test]
fn a_flood_of_pings_to_a_generator_whose_answers_nobody_reads_costs_no_memory() {
    let good = Server::start(&[]);
    let origin = good.ws().split('/').nth(2).unwrap_or_default().to_owned();
    let hostile = Hostile::listen(move |client, n| {
        let (Ok(mut up), Ok(mut asks)) = (TcpStream::connect(&origin), client.try_clone()) else {
            return;
        };
        let Ok(mut asked) = up.try_clone() else {
            return;
        };
        // Of what a client says, only its handshake is passed on, and nothing is read after it.
        let limit = if n == 0 { u64::MAX } else { 1_000 };
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut (&mut asks).take(limit), &mut asked);
            std::thread::sleep(Duration::from_secs(10));
        });
        let mut client = client;
        let mut some = vec![0; 64 * 1024];
        let mut passed = 0;
        while let Ok(count @ 1..) = up.read(&mut some) {
            if client.write_all(&some[..count]).is_err() {
                return;
            }
            passed += count;
            if n > 0 && passed > 600 {
                break;
            }
        }
        let pings = [&[0x89, 125][..], &[b'x'; 125]].concat().repeat(1_000);
        while n > 0 && client.write_all(&pings).is_ok() {}
    });
    let running = Pipeline::new(format!(
        "mcp-gen --url ws://127.0.0.1:{}/mcp --clients 1 --rate 20/s --connect-for 300ms --warmup 0s --for 2s --timeout 1s -q > run.jsonl",
        hostile.port()
    ))
    .start();
    let mut peak_kib = 0;
    pipe_tests::until("the end of the run", pipe_tests::PATIENCE, || {
        let all = running.processes();
        if let Some(p) = all.iter().find(|p| p.command.starts_with("mcp-gen ")) {
            let status =
                std::fs::read_to_string(format!("/proc/{}/status", p.pid)).unwrap_or_default();
            let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let peak = peak.and_then(|p| p.split_whitespace().next()?.parse::<u64>().ok());
            peak_kib = peak_kib.max(peak.unwrap_or(0));
        }
        all.is_empty()
    });
    let run = running.finish();
    run.assert_stages(&[0]);
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_eq!(stream.totals()["scheduled"], 40);
    assert!(
        stream.totals()["ok"].as_u64() < Some(40),
        "it never flooded"
    );
    assert!(peak_kib > 0 && peak_kib < 64 * 1024, "{peak_kib} KiB");
}

/// Answers `tools/list` with an error so many times.
fn forgetful(times: u64) -> Hostile {
    let failed = AtomicU64::new(0);
    server(move |client, _, request| {
        let fails = request["method"] == "tools/list" && failed.fetch_add(1, Relaxed) < times;
        fails.then(|| {
            let error = json!({"code": -32603, "message": "database is down"});
            let body = json!({"jsonrpc": "2.0", "id": request["id"], "error": error}).to_string();
            let text = with_length("200 OK", "", &body);
            client.write_all(text.as_bytes()).is_ok()
        })
    })
}

#[test]
fn a_list_that_fails_is_asked_for_again() {
    let server = forgetful(2);
    let stream = load(&http(&server), "--clients 2 --rate 20/s --for 500ms");
    let summaries = stream.of("summary").into_iter();
    let tools: Vec<&Value> = summaries.filter(|s| s["tool"] == "nop").collect();
    assert!(!tools.is_empty(), "{:#?}", stream.of("summary"));
}

#[test]
fn a_list_that_keeps_failing_is_no_reason_to_make_another_load() {
    let server = forgetful(u64::MAX);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --protocol legacy --for 1s -q",
        http(&server)
    ))
    .run();
    run.assert_stages(&[2]);
    let stream = run.stream();
    let fatal = stream.warnings("fatal")[0]["text"].as_str().unwrap();
    for word in ["tools/list", "-32603", "database is down", "3 times"] {
        assert!(fatal.contains(word), "{word}: {fatal}");
    }
    assert!(stream.of("interval").is_empty());
}
