//! Conversations that are written here, each with something that a splitter may stumble over.

use crate::script::Script;
use crate::speak::*;
use mcp_chaos::message::{Side, Wire};

fn http(pieces: &[(Side, &[u8])]) -> Script {
    Script {
        wire: Wire::Http,
        pieces: pieces.iter().map(|(s, b)| (*s, b.to_vec())).collect(),
    }
}

/// All of them, by name.
pub fn all() -> Vec<(String, Script)> {
    use Side::{Client, Server};
    let (c1, c2, r1, r2) = (call(1, "echo"), call(2, "echo"), result(1), result(2));
    let body = json(&r1);
    let get = "GET /sse HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n";
    let mut all = vec![];
    let mut add = |name: &str, script: Script| all.push((name.to_owned(), script));
    add(
        "pipelined",
        http(&[
            (
                Client,
                format!("{}{}", post("", &c1), post("", &c2)).as_bytes(),
            ),
            (Server, format!("{body}\r\n{}", json(&r2)).as_bytes()),
        ]),
    );
    let split = r1.find("content").unwrap();
    add(
        "json in chunks, with an extension and a trailer",
        http(&[
            (Client, post("", &c1).as_bytes()),
            (
                Server,
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x};a=b\r\n{}\r\n{}0\r\nX-Sum: 1\r\n\r\n",
                    split,
                    &r1[..split],
                    chunk(&r1[split..])
                )
                .as_bytes(),
            ),
            (Client, post("", &c2).as_bytes()),
            (Server, json(&r2).as_bytes()),
        ]),
    );
    add(
        "a request in chunks behind 100 Continue",
        http(&[
            (
                Client,
                b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            (Server, b"HTTP/1.1 100 Continue\r\n\r\n"),
            (Client, format!("{}{LAST}", chunk(&c1)).as_bytes()),
            (Server, b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"),
            (Client, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nDELETE / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (
                Server,
                b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n",
            ),
            (Client, post("", &c2).as_bytes()),
            (Server, json(&r2).as_bytes()),
        ]),
    );
    let stream = format!(
        "{STREAM}{}{}{}{LAST}",
        chunk("id: 0\ndata: \n\n"),
        chunk(&format!(
            "{}{}",
            event("1", PROGRESS),
            &event("2", &r1)[..20]
        )),
        chunk(&event("2", &r1)[20..])
    );
    add(
        "events that don't end where chunks do",
        http(&[
            (Client, post("", &c1).as_bytes()),
            (Server, stream.as_bytes()),
            (Client, post("", &c2).as_bytes()),
            (Server, json(&r2).as_bytes()),
        ]),
    );
    let crlf = event("2", &r1).replace('\n', "\r\n");
    add(
        "events up to the end of the connection, with CRLF and comments",
        http(&[
            (Client, post("", &c1).as_bytes()),
            (
                Server,
                format!("HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: ping\r\n\r\n{crlf}data: half").as_bytes(),
            ),
        ]),
    );
    let whole = event("9", &r1);
    add(
        "events of a length that is known",
        http(&[
            (Client, post("", &c1).as_bytes()),
            (
                Server,
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n{whole}",
                    whole.len()
                )
                .as_bytes(),
            ),
            (Client, post("", &c2).as_bytes()),
            (Server, json(&r2).as_bytes()),
        ]),
    );
    add(
        "a compressed answer, a page, and an early refusal",
        http(&[
            (Client, post("Accept-Encoding: gzip\r\n", &c1).as_bytes()),
            (
                Server,
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\x00\xff",
            ),
            (Client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (Server, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>"),
            (Client, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"id\":"),
            (Server, b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n"),
            (Client, &[b' '; 94]),
            (Client, post("", &c2).as_bytes()),
            (Server, json(&r2).as_bytes()),
        ]),
    );
    add(
        "HTTP+SSE, the stream",
        http(&[
            (Client, get.as_bytes()),
            (
                Server,
                format!(
                    "{STREAM}{}{}{}",
                    chunk("event: endpoint\r\ndata: /messages/?session_id=ab12\r\n\r\n"),
                    chunk(&format!("event: message\r\ndata: {r1}\r\n\r\n")),
                    chunk(": ping - 2026-11-23 10:00:00\r\n\r\n")
                )
                .as_bytes(),
            ),
        ]),
    );
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":3,"result":{{"text":"{}"}}}}"#,
        "y".repeat(70_000)
    );
    let fragments: Vec<u8> = [
        &[0x01, 3][..],
        &r2.as_bytes()[..3],
        &[0x89, 2, b'h', b'i'],
        &[0x80, (r2.len() - 3) as u8],
        &r2.as_bytes()[3..],
    ]
    .concat();
    let mut pings = Vec::new();
    protocol::ws::write_ping(&mut pings, [9; 4], b"are you there");
    protocol::ws::write_close(&mut pings, [9; 4], 1000, "bye");
    add(
        "WebSocket with fragments, pings, bytes, and a close",
        http(&[
            (Client, UPGRADE.as_bytes()),
            (Server, UPGRADED.as_bytes()),
            (
                Client,
                &[masked(&c1), masked(&c2), masked(&call(3, "x"))].concat(),
            ),
            (
                Server,
                &[frame(&r1), fragments, vec![0x82, 3, 0, 1, 2], frame(&long)].concat(),
            ),
            (Client, &pings),
            (Server, &[0x8a, 0, 0x88, 2, 3, 0xe8]),
        ]),
    );
    add(
        "an upgrade that is refused",
        http(&[
            (Client, UPGRADE.as_bytes()),
            (
                Server,
                b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno",
            ),
            (Client, post("", &c1).as_bytes()),
            (Server, body.as_bytes()),
        ]),
    );
    add(
        "WebSocket with compression",
        http(&[
            (
                Client,
                UPGRADE
                    .replace("Protocol: mcp\r\n", "Extensions: permessage-deflate\r\n")
                    .as_bytes(),
            ),
            (
                Server,
                UPGRADED
                    .replace("Protocol: mcp\r\n", "Extensions: permessage-deflate\r\n")
                    .as_bytes(),
            ),
            (Client, &[0xc1, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            (Server, &[0xc1, 0x03, 1, 2, 3]),
        ]),
    );
    add(
        "lines",
        Script {
            wire: Wire::Lines,
            pieces: vec![
                (Client, format!("{c1}\n[{c2},{PROGRESS}]\r\n").into_bytes()),
                (
                    Server,
                    format!("\n{r1}\r\nno json at all\n[{r2} , {PROGRESS}]\n{{\"half\":")
                        .into_bytes(),
                ),
            ],
        },
    );
    for (name, client, server) in [
        (
            "TLS",
            &b"\x16\x03\x01\x02\x00\x01\x00\x01"[..],
            &b"\x16\x03\x03\x00\x7a\x02"[..],
        ),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0",
            b"\0\0\0\x04\0\0\0\0\0",
        ),
        (
            "an answer that nobody asked for",
            b"",
            b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\nbye",
        ),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
    ] {
        add(name, http(&[(Client, client), (Server, server)]));
    }
    all
}
