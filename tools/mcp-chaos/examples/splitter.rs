//! What the splitter costs where no rule is active, beside a copy of the same bytes: nanoseconds of CPU time a message,
//! and bytes a second of it. `cargo run --release -p mcp-chaos --example splitter`

use mcp_chaos::message::{Conversation, Pass, Rules, Side, Wire};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::io::Write as _;

/// Exchanges in a round.
const EXCHANGES: u64 = 20_000;
/// Rounds; the median counts.
const ROUNDS: usize = 9;

/// A conversation: what comes first, and what one exchange is.
struct Case {
    name: &'static str,
    wire: Wire,
    first: Vec<(Side, Vec<u8>)>,
    exchange: fn(u64, usize) -> (Vec<u8>, Vec<u8>),
    /// Of the text that an answer holds.
    bytes: usize,
}

fn call(id: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"message":"hello"}}}}}}"#
    )
}

fn result(id: u64, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    format!(
        r#"{{"result":{{"content":[{{"type":"text","text":"{text}"}}]}},"jsonrpc":"2.0","id":{id}}}"#
    )
}

fn lines(id: u64, bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let answer = result(id, bytes) + "\n";
    ((call(id) + "\n").into(), answer.into())
}

fn frames(id: u64, bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let mut asked = Vec::new();
    protocol::ws::write_text(&mut asked, [3, 141, 59, 26], &[call(id).as_bytes()]);
    let text = result(id, bytes);
    let mut answer = vec![0x81];
    match text.len() {
        n @ 0..=125 => answer.push(n as u8),
        n => {
            answer.push(127);
            answer.extend((n as u64).to_be_bytes());
            if n < 1 << 16 {
                answer.truncate(1);
                answer.push(126);
                answer.extend((n as u16).to_be_bytes());
            }
        }
    }
    answer.extend(text.into_bytes());
    (asked, answer)
}

fn post(id: u64) -> Vec<u8> {
    let body = call(id);
    format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:5555\r\nUser-Agent: mcpipe/0.1.0\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: 62698a0a-755a-4ae2-8930-e4175bd5e8a3\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn json(id: u64, bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let body = result(id, bytes);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\ndate: Sun, 29 Nov 2026 10:05:43 GMT\r\n\r\n{body}",
        body.len()
    );
    (post(id), answer.into())
}

fn events(id: u64, bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let event = format!("event: message\nid: {id}\ndata: {}\n\n", result(id, bytes));
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n0\r\n\r\n",
        event.len()
    );
    (post(id), answer.into())
}

fn main() -> std::io::Result<()> {
    let upgrade = || {
        vec![
            (
                Side::Client,
                b"GET /mcp HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_vec(),
            ),
            (
                Side::Server,
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".to_vec(),
            ),
        ]
    };
    let case = |name, wire, first, exchange, bytes| Case {
        name,
        wire,
        first,
        exchange,
        bytes,
    };
    let cases = [
        case(
            "lines",
            Wire::Lines,
            vec![],
            lines as fn(u64, usize) -> _,
            30,
        ),
        case("lines, 64 KiB", Wire::Lines, vec![], lines, 65_536),
        case("WebSocket", Wire::Http, upgrade(), frames, 30),
        case("WebSocket, 64 KiB", Wire::Http, upgrade(), frames, 65_536),
        case("HTTP, JSON", Wire::Http, vec![], json, 30),
        case("HTTP, JSON, 64 KiB", Wire::Http, vec![], json, 65_536),
        case("HTTP, events", Wire::Http, vec![], events, 30),
        case("HTTP, events, 64 KiB", Wire::Http, vec![], events, 65_536),
    ];
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:<22} {:>12} {:>12} {:>12}",
        "", "ns/message", "copy alone", "MB/s"
    )?;
    for case in cases {
        let exchanges = if case.bytes > 1_000 {
            EXCHANGES / 20
        } else {
            EXCHANGES
        };
        let all: Vec<_> = (0..exchanges)
            .map(|id| (case.exchange)(id, case.bytes))
            .collect();
        let bytes: usize = all.iter().map(|(a, b)| a.len() + b.len()).sum();
        let (mut split, mut copy) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            split.push(round(&case, &all));
            let begin = cpu_s();
            for (asked, answer) in &all {
                black_box(black_box(asked).to_vec());
                black_box(black_box(answer).to_vec());
            }
            copy.push(cpu_s() - begin);
        }
        split.sort_by(f64::total_cmp);
        copy.sort_by(f64::total_cmp);
        let messages = 2.0 * exchanges as f64;
        let (split, copy) = (split[ROUNDS / 2], copy[ROUNDS / 2]);
        writeln!(
            out,
            "{:<22} {:>12.0} {:>12.0} {:>12.0}",
            case.name,
            split * 1e9 / messages,
            copy * 1e9 / messages,
            bytes as f64 / split / 1e6
        )?;
    }
    Ok(())
}

/// What this thread has used of a CPU, so that others on the machine count less.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// All exchanges through one conversation: seconds.
fn round(case: &Case, all: &[(Vec<u8>, Vec<u8>)]) -> f64 {
    let mut rules = Rules::new(false);
    let mut conversation = Conversation::new(case.wire, 1);
    let mut out: Vec<Pass> = Vec::new();
    for (from, bytes) in &case.first {
        conversation.read(*from, bytes, 1, &mut rules, &mut out);
    }
    let begin = cpu_s();
    for (n, (asked, answer)) in (1u64..).zip(all) {
        conversation.read(Side::Client, asked, n, &mut rules, &mut out);
        conversation.read(Side::Server, answer, n, &mut rules, &mut out);
        black_box(&out);
        out.clear();
    }
    cpu_s() - begin
}
