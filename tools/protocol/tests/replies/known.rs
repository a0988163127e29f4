//! Answers as real servers send them, and what is to be seen in them.

use super::{Seen, end, head, message};
use protocol::http::Content::{EventStream, Json, Other};

/// One or more answers on one connection.
pub struct Known {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub seen: Vec<Seen>,
}

fn known(name: &'static str, bytes: impl Into<Vec<u8>>, seen: Vec<Seen>) -> Known {
    let bytes = bytes.into();
    Known { name, bytes, seen }
}

/// A 200 whose body comes in these chunks.
fn chunks(headers: &str, chunks: &[&str]) -> String {
    let mut text = format!("HTTP/1.1 200 OK\r\n{headers}\r\ntransfer-encoding: chunked\r\n\r\n");
    for chunk in chunks {
        text += &format!("{:X}\r\n{chunk}\r\n", chunk.len());
    }
    text + "0\r\n\r\n"
}

pub fn known_answers() -> Vec<Known> {
    let events = "content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache";
    let text = "{\"text\":\"\u{65e5}\u{672c}\"}";
    vec![
        known(
            "uvicorn, json, lower-case names",
            "HTTP/1.1 200 OK\r\ndate: Mon, 01 Jun 2026 10:00:00 GMT\r\nserver: uvicorn\r\ncontent-type: application/json\r\nmcp-session-id: 8f5e\r\ncontent-length: 8\r\n\r\n{\"id\":1}",
            vec![head(200, Json), message("{\"id\":1}"), end(true)],
        ),
        known(
            "uvicorn, chunked events with CRLF, text beyond ASCII",
            chunks(
                events,
                &[
                    &format!("event: message\r\ndata: {text}\r\n\r\n"),
                    "event: message\r\ndata: {\"id\":2}\r\n\r\n",
                ],
            ),
            vec![
                head(200, EventStream),
                message(text),
                message("{\"id\":2}"),
                end(true),
            ],
        ),
        known(
            "node, one chunk, then another answer",
            chunks(
                "X-Powered-By: Express\r\nContent-Type: application/json; charset=utf-8\r\nConnection: keep-alive",
                &["{\"id\":1}"],
            ) + "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
            vec![
                head(200, Json),
                message("{\"id\":1}"),
                end(true),
                head(202, Other),
                end(true),
            ],
        ),
        known(
            "json in several chunks",
            chunks("Content-Type: application/json", &["{\"i", "d\":", "1}"]),
            vec![head(200, Json), message("{\"id\":1}"), end(true)],
        ),
        known(
            "server-everything: a priming event, a comment, then the answer",
            chunks(
                events,
                &[
                    "id: 6dc0b3a1-0f1e_1\ndata: \n\n",
                    ": ping\n\n",
                    "event: message\nid: 6dc0b3a1-0f1e_2\ndata: {\"id\":9}\n\n",
                ],
            ),
            vec![head(200, EventStream), message("{\"id\":9}"), end(true)],
        ),
        known(
            "rmcp: priming id and retry, no event line, events across chunks",
            chunks(
                events,
                &[
                    "data: \nid: 0/0\nretry: 3000\n",
                    "\ndata: {\"i",
                    "d\":3}\nid: 1/0\n",
                    "\n",
                ],
            ),
            vec![head(200, EventStream), message("{\"id\":3}"), end(true)],
        ),
        known(
            "chunk extensions and trailers",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"b\"\r\n{}\r\n00 \r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
            vec![head(200, Json), message("{}"), end(true)],
        ),
        known(
            "events with a length, CR as line end",
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 18\r\n\r\ndata: 1\r\rdata: 2\r\r",
            vec![
                head(200, EventStream),
                message("1"),
                message("2"),
                end(true),
            ],
        ),
        known(
            "HTTP+SSE: the endpoint event, until the connection closes",
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\r\ndata: /messages/?session_id=ab\r\n\r\nevent: message\r\ndata: {}\r\n\r\ndata: cut off",
            vec![
                head(200, EventStream),
                Seen::Named("endpoint".into(), "/messages/?session_id=ab".into()),
                message("{}"),
                end(false),
            ],
        ),
        known(
            "an error with a body",
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\n\r\nSession not found",
            vec![head(404, Other), message("Session not found"), end(true)],
        ),
        known(
            "interim answers, and some without a body that name a length",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            vec![head(304, Other), end(true), head(204, Other), end(true)],
        ),
        known(
            "HTTP/1.0 until close",
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"id\":1}",
            vec![head(200, Json), message("{\"id\":1}"), end(false)],
        ),
        known(
            "HTTP/1.0 that keeps the connection, a stray line end, and a goodbye",
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2, 2\r\nContent-Type: application/problem+json\r\n\r\n{}\r\nHTTP/1.1 200\r\nconnection: foo, Close\r\ncontent-length: 2\r\n\r\n[]",
            vec![
                head(200, Json),
                message("{}"),
                end(true),
                head(200, Other),
                message("[]"),
                end(false),
            ],
        ),
        known(
            "HTTP/1.0 that knows chunks is not trusted with another request",
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            vec![head(200, Other), message("ok"), end(false)],
        ),
        known(
            "an empty chunked body, and an empty body until close",
            "HTTP/1.1 202 Accepted\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            vec![head(202, Other), end(true), head(200, Other), end(false)],
        ),
    ]
}
