//! What some servers want of their clients besides the messages: erlmcp its path, a line feed in each frame and no subprotocol;
//! modern servers over HTTP arguments that are repeated in headers.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_tests::{Hostile, Pipeline, Stream, answer, assert_conserved, assert_intervals_add_up};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// 60 calls.
const LOAD: &str =
    "--clients 3 --rate 20/s --connect-for 500ms --warmup 0s --for 1s --interval 200ms --seed 7 -q";

#[track_caller]
fn counted(options: &str, files: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen {LOAD} {options}"))
        .before(files)
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    let totals = stream.totals();
    assert_eq!(
        (&totals["scheduled"], &totals["ok"]),
        (&60.into(), &60.into()),
        "{}",
        totals["errors"]
    );
    stream
}

/// Reads a frame of a client (RFC 6455, 5.2): its opcode and what it holds.
fn frame(client: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    client.read_exact(&mut head).ok()?;
    let length = match head[1] & 0x7f {
        126 => {
            let mut more = [0; 2];
            client.read_exact(&mut more).ok()?;
            usize::from(u16::from_be_bytes(more))
        }
        short @ 0..=125 => usize::from(short),
        _ => return None,
    };
    let (mut mask, mut payload) = ([0; 4], vec![0; length]);
    client.read_exact(&mut mask).ok()?;
    client.read_exact(&mut payload).ok()?;
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    Some((head[0] & 0x0f, payload))
}

/// A frame of a server, which is not masked.
fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..=125 => frame.push(short as u8),
        long => {
            frame.push(126);
            frame.extend((long as u16).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// WebSocket as erlmcp's strict mode has it: at `/mcp/ws` alone, without a subprotocol, and what has no line feed at its end is
/// held back for ever. It counts the messages that had one and those that had none.
fn erlmcp(counts: [Arc<AtomicU64>; 2]) -> Hostile {
    Hostile::listen(move |mut client, _| {
        let Some((head, _)) = Hostile::request(&mut client) else {
            return;
        };
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut named = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
            named.next().map(|(_, value)| value.to_owned())
        };
        let refuse = |client: &mut TcpStream, status: &str| {
            let _ = client
                .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        };
        if !head.starts_with("GET /mcp/ws HTTP/1.1\r\n") {
            return refuse(&mut client, "404 Not Found");
        }
        let Some(key) = header("sec-websocket-key") else {
            return refuse(&mut client, "426 Upgrade Required");
        };
        if header("sec-websocket-protocol").is_some() {
            return refuse(&mut client, "500 Internal Server Error");
        }
        let mut sha1 = sha1_smol::Sha1::from(key);
        sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let agreed = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            STANDARD.encode(sha1.digest().bytes())
        );
        let _ = client.write_all(agreed.as_bytes());
        while let Some((opcode, payload)) = frame(&mut client) {
            let said = match (opcode, payload.strip_suffix(b"\n")) {
                (1, Some(line)) => {
                    counts[0].fetch_add(1, Relaxed);
                    let request: Value = serde_json::from_slice(line).unwrap();
                    match request.get("id") {
                        Some(_) => unmasked(1, format!("{}\n", answer(&request, false)).as_bytes()),
                        None => continue,
                    }
                }
                (1, None) => {
                    counts[1].fetch_add(1, Relaxed);
                    continue;
                }
                (8, _) => {
                    let _ = client.write_all(&unmasked(8, &payload));
                    return;
                }
                (9, _) => unmasked(10, &payload),
                _ => continue,
            };
            if client.write_all(&said).is_err() {
                return;
            }
        }
    })
}

#[test]
fn a_server_as_erlmcp_is_called_with_the_flags_that_the_docs_name() {
    let counts: [Arc<AtomicU64>; 2] = Default::default();
    let server = erlmcp(counts.clone());
    let url = format!("ws://127.0.0.1:{}/mcp/ws", server.port());
    let stream = counted(
        &format!("--url {url} --ws-append-newline --no-ws-subprotocol"),
        "",
    );
    let dialect = &stream.totals()["dialects"][0];
    assert_eq!(
        (&dialect["transport"], &dialect["era"]),
        (&"ws".into(), &"legacy".into())
    );
    let [with, without] = counts.each_ref().map(|n| n.load(Relaxed));
    assert!(with >= 60, "{with}");
    assert_eq!(without, 0, "each message has its line feed");
    // A server that says no to the subprotocol is asked again without, also where nobody has said so.
    counted(&format!("--url {url} --ws-append-newline"), "");
    // Without line feeds it hears nothing, and that is told with the flag.
    let silent = Pipeline::new(format!("mcp-gen --url {url} --timeout 500ms --for 1s")).run();
    silent.assert_stages(&[2]);
    assert!(
        silent.stderr.contains("--ws-append-newline"),
        "{}",
        silent.stderr
    );
}

/// What a request said in its `Mcp-Param-…` headers and in its arguments.
type Repeated = Arc<Mutex<Vec<(Value, Value)>>>;

/// The value that a header stands for (2026-07-28, Streamable HTTP).
fn decoded(value: &str) -> String {
    match value
        .strip_prefix("=?base64?")
        .and_then(|v| v.strip_suffix("?="))
    {
        Some(coded) => String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap(),
        None => value.to_owned(),
    }
}

/// A modern server over HTTP whose tool marks two of its arguments with `x-mcp-header`.
fn marking(seen: &Repeated) -> Hostile {
    let seen = Arc::clone(seen);
    Hostile::listen(move |mut client, _| {
        while let Some((head, body)) = Hostile::request(&mut client) {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut text = answer(&request, true);
            match request["method"].as_str() {
                Some("tools/list") => {
                    text["result"]["tools"][0]["inputSchema"] = json!({
                        "type": "object",
                        "properties": {
                            "region": {"type": "string", "minLength": 3, "x-mcp-header": "Region"},
                            "depth": {"type": "integer", "minimum": 1, "maximum": 9, "x-mcp-header": "Depth"},
                            "note": {"type": "string"},
                        },
                        "required": ["region", "depth", "note"],
                    });
                }
                Some("tools/call") => {
                    let header = |name: &str| {
                        let lines = head.lines().filter_map(|line| line.split_once(": "));
                        let mut named = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
                        named.next().map(|(_, value)| decoded(value))
                    };
                    let told = json!([header("Mcp-Param-Region"), header("Mcp-Param-Depth")]);
                    let asked = &request["params"]["arguments"];
                    let asked = json!([asked["region"], asked["depth"].to_string()]);
                    seen.lock().unwrap().push((told, asked));
                }
                _ => {}
            }
            let (status, text) = match request.get("id") {
                Some(_) => ("200 OK", text.to_string()),
                None => ("202 Accepted", String::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            if client.write_all((head + &text).as_bytes()).is_err() {
                return;
            }
        }
    })
}

#[test]
fn arguments_that_a_schema_marks_stand_in_headers_too_those_of_templates_as_those_made_up() {
    let file = r#"cat > mine.toml <<'END'
name = "mine"
clients = 3
rate = "20/s"
[[call]]
method = "tools/call"
tool = "nop"
arguments = { region = "Zürich {{random_string 5}}", depth = "{{random_int 1 9}}", note = "x" }
END"#;
    for (options, is_template) in [
        ("--method tools/call", false),
        (
            "--method tools/call --args 'nop={\"region\":\" spaced \",\"depth\":3,\"note\":\"\"}'",
            false,
        ),
        ("--profile mine.toml", true),
    ] {
        let seen = Repeated::default();
        let server = marking(&seen);
        counted(
            &format!("--url http://127.0.0.1:{}/mcp {options}", server.port()),
            file,
        );
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 60, "{options}");
        for (told, asked) in &*seen {
            assert_eq!(told, asked, "{options}");
        }
        let regions: BTreeSet<&str> = seen.iter().map(|(t, _)| t[0].as_str().unwrap()).collect();
        assert_eq!(regions.len() > 50, is_template, "{regions:?}");
        assert!(!is_template || regions.iter().all(|r| r.starts_with("Zürich ")));
    }
}
