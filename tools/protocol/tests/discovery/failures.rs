//! Whatever stands in the way has a sentence of its own.

use std::io::{Read, Write};

use protocol::client::Options;
use serde_json::{Value, json};

use crate::scripted::{Act, accept, json_response, response, serve, text_response};
use crate::{failure, failure_with, impatient, legacy, says};

#[test]
fn each_status_has_a_sentence_with_the_way_out() {
    let always = |status: u16, body: &'static str| serve(move |_, _| text_response(status, body));
    says(
        &always(401, ""),
        "unauthorized",
        &["401", "--header 'Authorization: Bearer"],
    );
    says(
        &always(403, "Forbidden: invalid Origin"),
        "forbidden",
        &["403", "invalid Origin", "--host-header"],
    );
    says(
        &always(403, "Forbidden: Host header is not allowed"),
        "host_refused",
        &["127.0.0.1:", "--host-header"],
    );
    says(
        &always(421, "Invalid Host header"),
        "host_refused",
        &["421", "127.0.0.1:", "--host-header"],
    );
    says(
        &always(404, "Not Found"),
        "wrong_path",
        &["/mcp", "404", "path may be wrong"],
    );
    says(&always(405, ""), "wrong_path", &["405"]);
    says(
        &always(503, "too many sessions"),
        "http_status",
        &["503", "too many sessions"],
    );
    says(
        &always(200, "<html>It works!</html>"),
        "not_mcp",
        &["It works!", "path"],
    );
    says(&always(200, r#"{"ok":true}"#), "not_mcp", &["ok"]);
    says(
        &always(400, "The plain HTTP request was sent to HTTPS port"),
        "tls_expected",
        &["https://"],
    );
    says(
        &always(
            404,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"MCP is at /here"}}"#,
        ),
        "wrong_path",
        &["/mcp", "404: MCP is at /here", "path may be wrong"],
    );
    says(
        &always(
            501,
            "<!DOCTYPE HTML>\n<html><head><title>Error response</title></head><body>…</body></html>",
        ),
        "not_mcp",
        &["501: a web page titled \"Error response\"", "port and path"],
    );
    let moved =
        serve(|_, _| response(307, "text/plain", "Location: http://127.0.0.1/mcp/\r\n", ""));
    says(
        &moved,
        "redirected",
        &["http://127.0.0.1/mcp/", "307", "use that URL"],
    );
    let options = Options {
        host_header: Some("inner".to_owned()),
        ..Options::default()
    };
    let (code, sentence) = failure_with(&always(421, "").url(), &options);
    assert!(
        code == "host_refused" && sentence.contains("\"inner\""),
        "{sentence}"
    );
}

#[test]
fn a_server_that_is_no_mcp_server_gets_a_sentence() {
    let refuses = serve(|request, _| {
        json_response(200, request.error(-32601, "Method not found", Value::Null))
    });
    says(
        &refuses,
        "initialize_refused",
        &["-32601", "Method not found", "URL"],
    );
    let no_version = serve(|request, _| json_response(200, request.result(json!({}))));
    says(&no_version, "not_mcp", &["protocolVersion"]);
    let future = serve(|request, _| legacy(request, "2031-01-01"));
    says(&future, "unknown_revision", &["2031-01-01"]);
    let old = serve(|request, _| match request.verb.as_str() {
        "GET" => response(
            200,
            "text/event-stream",
            "",
            "event: endpoint\ndata: /messages?session_id=1\n\n",
        ),
        _ => text_response(405, ""),
    });
    // Its stream opens, and then the endpoint takes nothing.
    says(&old, "wrong_path", &["405"]);
    let too_long = serve(|_, _| {
        Act::Send(format!(
            "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n",
            "y".repeat(100_000)
        ))
    });
    says(&too_long, "broken_answer", &["longer than"]);
    let empty_stream = serve(|_, _| response(200, "text/event-stream", "", ": nothing\n\n"));
    says(&empty_stream, "not_mcp", &["no message"]);
}

#[test]
fn silence_hanging_up_and_strangers_are_told_apart() {
    let (code, sentence) = failure_with(&serve(|_, _| Act::Silence).url(), &impatient());
    assert!(
        code == "no_answer" && sentence.contains("within 1 s") && sentence.contains("--timeout"),
        "{sentence}"
    );
    says(
        &serve(|_, _| Act::Close),
        "connection_closed",
        &["something else", "check the port"],
    );
    let torn =
        serve(|_, _| Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned()));
    let (code, sentence) = failure_with(&torn.url(), &impatient());
    assert!(code == "no_answer", "{sentence}");

    for scheme in ["http", "ws"] {
        let drops = accept(drop);
        let (code, sentence) = failure(&format!("{scheme}://{drops}/mcp"));
        assert!(
            code == "connection_closed" && sentence.contains(&drops.to_string()),
            "{sentence}"
        );
        let ssh = accept(|mut stream| {
            stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").unwrap();
            let _ = stream.read(&mut [0; 1000]);
        });
        let (code, sentence) = failure(&format!("{scheme}://{ssh}/mcp"));
        assert!(
            code == "not_http" && sentence.contains("SSH-2.0") && sentence.contains("port"),
            "{sentence}"
        );
        let tls = accept(|mut stream| {
            let _ = stream.read(&mut [0; 1000]);
            // fatal, decode_error
            stream.write_all(&[0x15, 3, 3, 0, 2, 2, 50]).unwrap();
        });
        let (code, sentence) = failure(&format!("{scheme}://{tls}/mcp"));
        assert!(
            code == "tls_expected" && sentence.contains("https://"),
            "{sentence}"
        );
        let mute = accept(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let (code, sentence) = failure_with(&format!("{scheme}://{mute}/mcp"), &impatient());
        assert_eq!(code, "no_answer", "{sentence}");
        assert_eq!(
            sentence.contains("--ws-append-newline"),
            scheme == "ws",
            "{sentence}"
        );
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, sentence) = failure(&format!("http://{free}/mcp"));
    assert!(
        code == "connection_refused" && sentence.contains(&free.to_string()),
        "{sentence}"
    );
    let (code, sentence) = failure_with("http://no-such-host.invalid/mcp", &impatient());
    assert!(
        code == "name_not_resolved" && sentence.contains("no-such-host.invalid"),
        "{sentence}"
    );
}
