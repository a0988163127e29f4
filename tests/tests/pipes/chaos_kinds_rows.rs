//! The kinds of message faults, one on a target of its own each, and what must be seen of them on each wire.

use Shows::{Class, Code, Large, Lost, Overtaken, Slow, Spared, Well};

/// What the load must show of as many calls as were hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shows {
    /// They are errors of this class.
    Class(&'static str),
    /// The same, with this code.
    Code(&'static str, &'static str),
    /// They, and whatever else was on its way in their sessions, which then are opened again.
    Lost,
    /// They are answered well, and take so long at least, in µs.
    Slow(u64),
    /// They are answered well, with so many bytes at least.
    Large(u64),
    /// They are answered well, and after some that were sent later.
    Overtaken,
    /// They are answered well.
    Well,
    /// None is hit, and this is counted instead.
    Spared(&'static str),
}

const TIMEOUT: Shows = Class("timeout");
pub const BROKEN: Shows = Class("protocol_error");
const NO_HTTP: Shows = Spared("not_http");
const BUSY: Shows = Code("http_error", "http_429");
const INTERNAL: Shows = Code("http_error", "http_500");
const AWAY: Shows = Code("http_error", "http_503");
const RPC: Shows = Code("rpc_error", "rpc_-32000");
const MISMATCH: Shows = Code("rpc_error", "rpc_-32020");

/// A name, the kind with its parameters, and what is to be seen of it over HTTP with JSON (2026-07-28), HTTP with streams
/// (2025-11-25), WebSocket, lines, and HTTP+SSE.
pub type Row = (&'static str, &'static str, [Shows; 5]);

#[rustfmt::skip]
const ROWS: [Row; 18] = [
    ("dropped", "drop_answer:", [TIMEOUT; 5]),
    ("delayed", "delay_answer:delay=400ms,", [Slow(400_000); 5]),
    // The load has the first one, and calls the second one stray.
    ("doubled", "duplicate_answer:", [Spared("single"), Well, Well, Well, Well]),
    ("reordered", "reorder_answers:hold=600ms,", [Spared("single"), Spared("single"), Overtaken, Overtaken, Overtaken]),
    // On one connection the other answer has the id, and so both calls are answered, wrongly; over HTTP neither is.
    ("swapped", "swap_ids:", [BROKEN, BROKEN, Well, Well, Well]),
    // A line that is no JSON names no call.
    ("cut_off", "truncate_json:", [BROKEN, BROKEN, BROKEN, TIMEOUT, BROKEN]),
    ("tool", "tool_error:", [Class("tool_error"); 5]),
    ("rpc", "rpc_error:code=-32000,", [RPC; 5]),
    ("busy", "http_error:status=429,retry_after=1s,", [BUSY, BUSY, NO_HTTP, NO_HTTP, BUSY]),
    ("internal", "http_error:status=500,", [INTERNAL, INTERNAL, NO_HTTP, NO_HTTP, INTERNAL]),
    ("away", "http_error:status=503,", [AWAY, AWAY, NO_HTTP, NO_HTTP, AWAY]),
    ("gone", "session_gone:", [Spared("no_session"), Lost, NO_HTTP, NO_HTTP, Lost]),
    ("stream", "cut_stream:", [Spared("no_stream"), Class("stream_ended"), NO_HTTP, NO_HTTP, Spared("no_stream")]),
    ("torn", "cut_stream:by=rst,", [Spared("no_stream"), Class("stream_ended"), NO_HTTP, NO_HTTP, Spared("no_stream")]),
    // 250 bytes at least, 7 pauses; answers take 100 ms.
    ("dripping", "drip:size=32B,pause=20ms,", [Slow(240_000); 5]),
    ("large", "oversize:size=64KiB,", [Large(65_536); 5]),
    ("type", "wrong_result_type:", [BROKEN; 5]),
    // A modern request is refused by the server. A legacy stream of events that says text/html is no JSON.
    ("header", "header_mismatch:", [MISMATCH, BROKEN, NO_HTTP, NO_HTTP, Spared("no_content")]),
];

/// A wire by its place in the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wire {
    Json,
    Streams,
    Frames,
    Lines,
    Sse,
}

/// A process is started for each target over stdio: what is no affair of lines is left to those over TCP.
pub fn rows(wire: Wire, url: &str) -> Vec<Row> {
    let mut rows = Vec::from(ROWS);
    rows.retain(|(.., shows)| !url.starts_with("stdio:") || shows[wire as usize] != NO_HTTP);
    rows
}
