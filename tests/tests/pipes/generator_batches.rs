//! Batches: calls that are due at once leave as an array, and each keeps an outcome of its own, whatever comes back.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    Hostile, Pipeline, Server, Stream, answer, assert_conserved, assert_intervals_add_up,
    line_server,
};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

/// Batches of four in the closed model: four users each, whose calls go together as long as they end together.
fn load(url: &str, more: &str) -> Stream {
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --protocol 2025-03-26 --connect-for 300ms --warmup 0s --for 600ms --interval 200ms -q \
         --method tools/call {more}"
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

fn batches(stream: &Stream) -> u64 {
    stream.totals()["generator"]["batches"]
        .as_u64()
        .unwrap_or(0)
}

#[test]
fn calls_of_a_client_leave_as_arrays_over_websocket_http_and_lines() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0", "--latency", "2ms"]);
    let sse = Server::start(&["--answers", "sse", "--latency", "2ms"]);
    for url in [server.ws(), server.http(), server.tcp(), sse.http()] {
        let stream = load(&url, "--closed --clients 3 --batch 4");
        let (sent, ok) = (count(&stream, "sent"), count(&stream, "ok"));
        assert_eq!(
            ok,
            count(&stream, "scheduled"),
            "{url}: {}",
            stream.totals()
        );
        let batches = batches(&stream);
        assert!(batches > 3, "{url}: {batches} batches");
        assert!(
            (2 * batches..=4 * batches).contains(&sent),
            "{url}: {sent} calls in {batches} batches"
        );
        assert_eq!(stream.totals()["generator"]["stray_answers"], 0, "{url}");
    }
}

#[test]
fn what_waits_for_a_connection_goes_together_and_what_is_due_alone_goes_alone() {
    let server = Server::start(&["--latency", "50ms"]);
    // 30 calls come due while one is answered.
    let behind = load(
        &server.http(),
        "--clients 1 --rate 600/s --max-connections 1 --batch 100",
    );
    assert_eq!(
        (count(&behind, "scheduled"), count(&behind, "ok")),
        (360, 360),
        "{}",
        behind.totals()
    );
    let n = batches(&behind);
    assert!((1..60).contains(&n), "{n} batches");
    let alone = load(&server.ws(), "--clients 2 --rate 10/s --batch 100");
    assert_eq!((count(&alone, "ok"), batches(&alone)), (12, 0));
}

fn write(profile: &str) -> String {
    format!("cat > packed.toml <<'END'\n{profile}END\n")
}

#[test]
fn a_batch_is_part_of_a_profile() {
    let server = Server::start(&[]);
    let profile = "name = \"packed\"\nclients = 2\nthink = \"0s\"\nbatch = 8\n[methods]\n\"tools/call\" = 1\n";
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --protocol 2025-03-26 --profile packed.toml --connect-for 300ms --for 400ms -q",
        server.ws()
    ))
    .before(&write(profile))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_conserved(&stream);
    assert!(batches(&stream) > 0 && count(&stream, "ok") == count(&stream, "sent"));
    let bad = Pipeline::new("mcp-gen profiles show packed.toml".to_owned())
        .before(&write(&profile.replace("batch = 8", "batch = 0")))
        .run();
    assert!(bad.stderr.contains("1 to 1000 calls"), "{}", bad.stderr);
}

#[test]
fn a_server_whose_revision_has_no_batches_is_told_before_the_load_with_the_way_out() {
    let server = Server::start(&[]);
    for (url, protocol, words) in [
        (server.ws(), "auto", "--protocol 2025-03-26"),
        (server.http(), "2025-11-25", "--protocol 2025-03-26"),
        (server.sse(), "auto", "HTTP+SSE"),
    ] {
        let run = Pipeline::new(format!(
            "mcp-gen --url {url} --protocol {protocol} --batch 8 --for 1s"
        ))
        .run();
        run.assert_stages(&[2]);
        let fatal = run.stream().warnings("fatal")[0]["text"].to_string();
        assert!(fatal.contains(words), "{url}: {fatal}");
    }
}

/// The sane answer of a server that speaks 2025-03-26 only.
fn sane(request: &Value) -> Value {
    let mut answer = answer(request, false);
    if request["method"] == "initialize" {
        answer["result"]["protocolVersion"] = "2025-03-26".into();
    }
    answer
}

/// A server of lines that deals with arrays as `odd` says: gives what to send for one, given the sane answers.
fn odd_lines(odd: impl Fn(Vec<Value>) -> String + Send + Sync + 'static) -> Hostile {
    line_server(false, move |client: &mut TcpStream, request, _| {
        let text = match request {
            Value::Array(calls) => odd(calls.iter().map(sane).collect()),
            _ if request["method"] == "initialize" => sane(request).to_string() + "\n",
            _ => return None,
        };
        Some(client.write_all(text.as_bytes()).is_ok())
    })
}

fn line(value: &Value) -> String {
    value.to_string() + "\n"
}

/// Runs against such a server: one client, batches of four; gives the stream and the number of batches.
fn against(odd: impl Fn(Vec<Value>) -> String + Send + Sync + 'static) -> (Stream, u64) {
    let server = odd_lines(odd);
    let url = format!("tcp://127.0.0.1:{}", server.port());
    let stream = load(
        &url,
        "--closed --clients 1 --batch 4 --in-flight 4 --timeout 250ms",
    );
    let batches = batches(&stream);
    assert!(batches > 0, "{}", stream.totals());
    (stream, batches)
}

#[test]
fn answers_may_come_one_by_one_and_in_any_order() {
    let (stream, _) = against(|mut answers| {
        answers.reverse();
        answers.iter().map(line).collect()
    });
    assert_eq!(count(&stream, "ok"), count(&stream, "scheduled"));
    let (stream, _) = against(|answers| {
        let (one, more) = answers.split_first().unwrap();
        line(&json!(more)) + &line(one)
    });
    assert_eq!(count(&stream, "ok"), count(&stream, "scheduled"));
}

#[test]
fn a_call_that_an_array_leaves_out_runs_into_its_timeout() {
    let (stream, batches) = against(|answers| line(&json!(answers[1..])));
    assert_eq!(error(&stream, "timeout"), batches, "{}", stream.totals());
    assert_eq!(
        count(&stream, "ok") + batches,
        count(&stream, "scheduled"),
        "{}",
        stream.totals()
    );
}

#[test]
fn hostile_arrays_have_a_class() {
    // In place of an answer stands an array that holds it: nobody looks for answers down there.
    let (stream, batches) = against(|mut answers| {
        answers[0] = json!([answers[0]]);
        line(&json!(answers))
    });
    assert_eq!(error(&stream, "protocol_error"), batches);
    assert_eq!(count(&stream, "ok") + batches, count(&stream, "scheduled"));
    // An answer that comes twice is a stray the second time.
    let (stream, batches) = against(|mut answers| {
        answers.push(answers[0].clone());
        line(&json!(answers))
    });
    assert_eq!(stream.totals()["generator"]["stray_answers"], batches);
    assert_eq!(count(&stream, "ok"), count(&stream, "scheduled"));
    // Arrays that hold nothing or too much fail one call each, and the others wait in vain, as all do where a line is no
    // JSON: that may be a log.
    let huge = format!("[{}1]\n", "1,".repeat(100_000));
    let deep = format!("{}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    for (text, class) in [
        ("[]\n", "protocol_error"),
        (&huge, "protocol_error"),
        ("[{},\n", "stray_lines"),
        (&deep, "stray_lines"),
    ] {
        let text = text.to_owned();
        let (stream, batches) = against(move |_| text.clone());
        let (totals, errors) = (stream.totals(), &stream.totals()["errors"]);
        let told = match class {
            "stray_lines" => totals["generator"][class].as_u64(),
            _ => errors[class].as_u64(),
        };
        assert_eq!(told, Some(batches), "{totals}");
        let failed = error(&stream, "protocol_error") + error(&stream, "timeout");
        assert_eq!(
            count(&stream, "ok") + failed,
            count(&stream, "scheduled"),
            "{errors}"
        );
    }
}

#[test]
fn an_error_without_an_id_is_told_with_the_way_out() {
    let refusal = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no"}});
    let (stream, _) = against(move |_| line(&refusal));
    assert_eq!(error(&stream, "timeout"), count(&stream, "scheduled"));
    let warnings = stream.warnings("batch_refused");
    assert!(warnings[0]["remedy"].as_str().unwrap().contains("--batch"));
}

/// An HTTP server that answers arrays as `odd` says: with a status and a body, or, where that begins with `data:`, events.
fn over_http(odd: impl Fn(Vec<Value>) -> (u16, String) + Send + Sync + 'static) -> Stream {
    let server = Hostile::listen(move |mut client, _| {
        while let Some((_, body)) = Hostile::request(&mut client) {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let (status, text) = match &request {
                Value::Array(calls) => odd(calls.iter().map(sane).collect()),
                _ if request.get("id").is_none() => (202, String::new()),
                _ => (200, sane(&request).to_string()),
            };
            let kind = match text.starts_with("data:") {
                true => "text/event-stream",
                false => "application/json",
            };
            let answer = format!(
                "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            );
            if client.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let stream = load(
        &format!("http://127.0.0.1:{}/mcp", server.port()),
        "--closed --clients 1 --batch 4 --in-flight 4 --timeout 2s",
    );
    assert!(batches(&stream) > 0, "{}", stream.totals());
    stream
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

#[test]
fn http_answers_come_as_an_array_or_as_events() {
    for odd in [
        |answers: Vec<Value>| json!(answers).to_string(),
        |answers: Vec<Value>| answers.iter().rev().map(event).collect(),
        |answers: Vec<Value>| event(&json!(answers)),
        |answers: Vec<Value>| event(&answers[0]) + &event(&json!(answers[1..])),
    ] {
        let stream = over_http(move |answers| (200, odd(answers)));
        let totals = stream.totals();
        assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    }
}

#[test]
fn what_an_http_answer_lacks_has_ended_with_it() {
    type Odd = fn(Vec<Value>) -> (u16, String);
    let cases: [(Odd, &str, bool); 7] = [
        (|a| (200, json!(a[1..]).to_string()), "stream_ended", false),
        (|a| (200, event(&json!(a[1..]))), "stream_ended", false),
        (|_| (200, "[]".to_owned()), "protocol_error", true),
        (|_| (200, "[{".to_owned()), "protocol_error", true),
        (
            |_| {
                (
                    400,
                    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#
                        .to_owned(),
                )
            },
            "http_error",
            true,
        ),
        (
            |_| {
                (
                    200,
                    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#
                        .to_owned(),
                )
            },
            "rpc_error",
            true,
        ),
        (
            |mut a| {
                a[0] = json!([a[0]]);
                (200, json!(a).to_string())
            },
            "protocol_error",
            false,
        ),
    ];
    for (odd, class, all) in cases {
        let stream = over_http(odd);
        let (scheduled, failed) = (count(&stream, "scheduled"), error(&stream, class));
        let totals = stream.totals();
        assert_eq!(
            count(&stream, "ok") + failed,
            scheduled,
            "{class}: {totals}"
        );
        if !all {
            assert_eq!(failed, batches(&stream), "{class}: {totals}");
        }
    }
}
