//! Streams of events: what a client hears without having asked, and how it takes a stream up again.

use std::time::Duration;

use serde_json::{Value, json};
use server::{AnswerForm, Gone, Latency, Options};

use crate::support::*;

/// An event as it came: its id, its type, and its data.
struct Event {
    id: Option<String>,
    kind: String,
    data: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }
}

/// The next event that is no comment; `None` at the end of the stream.
fn next(stream: &mut Http) -> Option<Event> {
    loop {
        let chunk = String::from_utf8(stream.chunk()?).unwrap();
        if chunk.starts_with(':') {
            continue;
        }
        let field = |name: &str| {
            let mut lines = chunk.lines();
            lines.find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()))
        };
        return Some(Event {
            id: field("id:"),
            kind: field("event:").unwrap_or_default(),
            data: field("data:").unwrap_or_default(),
        });
    }
}

/// The GET stream of a session, behind its first event (an id without data).
fn listen(server: &Running, session: &str, last_event_id: Option<&str>) -> Http {
    let mut stream = server.http();
    let mut headers = vec![("mcp-session-id", session), ("accept", "text/event-stream")];
    headers.extend(last_event_id.map(|id| ("last-event-id", id)));
    stream.write("GET", "/mcp", &headers, "");
    assert_eq!(stream.head().0, 200);
    let first = next(&mut stream).unwrap();
    assert_eq!((first.id.is_some(), first.data.as_str()), (true, ""));
    stream
}

fn subscribe(id: u64, n: u64) -> Value {
    request(
        id,
        "resources/subscribe",
        json!({"uri": format!("mcpipe://text/{n}")}),
    )
}

fn touch(id: u64, n: u64) -> Value {
    tool(id, "touch", json!({"n": n}))
}

fn uri(event: &Value) -> &str {
    assert_eq!(event["method"], "notifications/resources/updated");
    event["params"]["uri"].as_str().unwrap()
}

#[test]
fn a_session_hears_of_the_resources_that_it_subscribed_to_and_of_no_others() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let id = [("mcp-session-id", session.as_str())];
    let mut stream = listen(&server, &session, None);
    assert_eq!(
        server.post(&id, &subscribe(2, 2)).json()["result"],
        json!({})
    );
    assert_eq!(server.post(&id, &subscribe(3, 99)).code(), -32002);
    server.post(&id, &touch(4, 1));
    let touched = server.post(&id, &touch(5, 2)).json();
    let event = next(&mut stream).unwrap();
    assert_eq!(
        (event.kind.as_str(), event.id.as_deref()),
        ("message", Some("get/1"))
    );
    let event = event.json();
    assert_eq!(uri(&event), "mcpipe://text/2");
    let changed = &touched["result"]["structuredContent"];
    assert_eq!(changed["version"], 1);
    for field in ["mcpipe/changed_us", "mcpipe/changed_mono_us"] {
        assert!(changed[field].is_u64(), "{changed}");
        assert_eq!(event["params"]["_meta"][field], changed[field], "{field}");
    }
    let read = request(6, "resources/read", json!({"uri": "mcpipe://text/2"}));
    let text = server.post(&id, &read).json()["result"]["contents"][0]["text"].clone();
    let text = text.as_str().unwrap();
    assert!(text.starts_with("This is text 2, version 1. "), "{text}");
    assert_eq!(text.len(), 512, "the size stays");
    let unsubscribe = request(
        7,
        "resources/unsubscribe",
        json!({"uri": "mcpipe://text/2"}),
    );
    server.post(&id, &unsubscribe);
    server.post(&id, &subscribe(8, 3));
    server.post(&id, &touch(9, 2));
    server.post(&id, &touch(10, 3));
    assert_eq!(uri(&next(&mut stream).unwrap().json()), "mcpipe://text/3");
}

#[test]
fn a_stream_is_taken_up_again_behind_the_event_that_was_seen_last() {
    let server = Running::start(Options::default());
    let session = server.session("2025-11-25");
    let id = [("mcp-session-id", session.as_str())];
    let mut first = listen(&server, &session, None);
    for n in 1..=3 {
        server.post(&id, &subscribe(n, n));
        server.post(&id, &touch(n, n));
    }
    assert_eq!(next(&mut first).unwrap().id.as_deref(), Some("get/1"));
    drop(first);
    server.post(&id, &touch(9, 1));
    let mut again = listen(&server, &session, Some("get/1"));
    for (place, n) in [(2, 2), (3, 3), (4, 1)] {
        let event = next(&mut again).unwrap();
        assert_eq!(event.id, Some(format!("get/{place}")));
        assert_eq!(uri(&event.json()), format!("mcpipe://text/{n}"));
    }
    let mut newest = listen(&server, &session, None);
    assert!(next(&mut again).is_none(), "one stream a session");
    server.post(&id, &touch(10, 1));
    assert_eq!(next(&mut newest).unwrap().id.as_deref(), Some("get/5"));
    let nonsense = [
        id[0],
        ("accept", "text/event-stream"),
        ("last-event-id", "7"),
    ];
    assert_eq!(server.http().send("GET", "/mcp", &nonsense, "").status, 400);
    server.http().send("DELETE", "/mcp", &id, "");
    assert!(
        next(&mut newest).is_none(),
        "the stream ends with its session"
    );
}

#[test]
fn streams_that_are_cut_off_lose_nothing_to_a_client_that_comes_back() {
    let server = Running::start(Options {
        cut_streams: Some(Duration::from_millis(30)),
        change_every: Some(Duration::from_millis(10)),
        ..Options::default()
    });
    let session = server.session("2025-11-25");
    server.post(&[("mcp-session-id", session.as_str())], &subscribe(1, 1));
    let (mut seen, mut cuts, mut last) = (Vec::new(), 0, None);
    while seen.len() < 12 || cuts < 3 {
        let mut stream = listen(&server, &session, last.as_deref());
        while let Some(event) = next(&mut stream) {
            assert_eq!(uri(&event.json()), "mcpipe://text/1");
            last = event.id;
            seen.push(last.clone());
        }
        cuts += 1;
    }
    let all = (1..=seen.len()).map(|n| Some(format!("get/{n}")));
    assert_eq!(seen, all.collect::<Vec<_>>(), "each once, in order");
}

#[test]
fn a_websocket_and_a_tcp_client_hear_of_changes_on_their_own_connection() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    let mut other = server.websocket();
    ws.call(&initialize(1, "2025-11-25"));
    assert_eq!(ws.call(&subscribe(2, 1))["result"], json!({}));
    other.call(&touch(1, 1));
    assert_eq!(uri(&ws.receive()), "mcpipe://text/1");
    // Whoever subscribed and changes it hears both.
    ws.send(&touch(3, 1));
    let both = [ws.receive(), ws.receive()];
    assert!(both.iter().any(|message| message["id"] == 3));
    assert!(
        both.iter()
            .any(|message| message["params"]["uri"] == "mcpipe://text/1")
    );
    drop(ws);
    server.until_metric("mcp_server_sessions_active{transport=\"websocket\"}", 0.0);
    assert_eq!(other.call(&touch(4, 1))["id"], 4);
}

#[test]
fn a_modern_client_listens_on_a_stream_that_begins_with_what_was_accepted() {
    let server = Running::start(Options::default());
    let body = modern(request(
        7,
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true,
            "resourceSubscriptions": ["mcpipe://text/1", "mcpipe://text/99"]}}),
    ));
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let mut stream = server.http();
    stream.write("POST", "/mcp", &headers, &body.to_string());
    assert_eq!(stream.head().0, 200);
    let acknowledged = next(&mut stream).unwrap();
    assert_eq!(acknowledged.id, None, "modern streams cannot be resumed");
    let acknowledged = acknowledged.json();
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({"resourceSubscriptions": ["mcpipe://text/1"]})
    );
    let key = "io.modelcontextprotocol/subscriptionId";
    assert_eq!(acknowledged["params"]["_meta"][key], 7);
    let mut ws = server.websocket();
    ws.call(&touch(1, 1));
    let updated = next(&mut stream).unwrap().json();
    assert_eq!(uri(&updated), "mcpipe://text/1");
    assert_eq!(updated["params"]["_meta"][key], 7);
    let stopping = std::thread::spawn(move || server.stop());
    let goodbye = next(&mut stream).unwrap().json();
    assert_eq!(
        (&goodbye["id"], &goodbye["result"]["resultType"]),
        (&json!(7), &json!("complete"))
    );
    assert!(next(&mut stream).is_none());
    drop(stream);
    stopping.join().unwrap().unwrap();
}

#[test]
fn a_modern_client_listens_on_a_link_until_it_cancels_and_hears_a_goodbye_at_a_stop() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    let listen = |id: &str, n: u64| {
        let mut message = modern(request(
            0,
            "subscriptions/listen",
            json!({"notifications": {"resourceSubscriptions": [format!("mcpipe://text/{n}")]}}),
        ));
        message["id"] = json!(id);
        message
    };
    for (id, n) in [("a", 1), ("b", 2)] {
        let acknowledged = ws.call(&listen(id, n));
        assert_eq!(
            acknowledged["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            id
        );
    }
    ws.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}}));
    let mut other = server.websocket();
    other.call(&touch(1, 1));
    other.call(&touch(2, 2));
    assert_eq!(
        uri(&ws.receive()),
        "mcpipe://text/2",
        "the other was cancelled"
    );
    let refused = ws.call(&request(5, "subscriptions/listen", json!({})));
    assert_eq!(refused["error"]["code"], -32601, "not a legacy method");
    let stopping = std::thread::spawn(move || server.stop());
    let goodbye = ws.receive();
    assert_eq!(goodbye["id"], "b");
    assert_eq!(goodbye["result"]["resultType"], "complete");
    assert_eq!(ws.close_code(), 1001);
    drop(other);
    stopping.join().unwrap().unwrap();
}

#[test]
fn before_2025_11_25_a_stream_begins_with_no_event_of_its_own() {
    let server = Running::start(Options::default());
    let session = server.session("2025-06-18");
    let id = ("mcp-session-id", session.as_str());
    let mut stream = server.http();
    stream.write("GET", "/mcp", &[id, ("accept", "text/event-stream")], "");
    assert_eq!(stream.head().0, 200);
    assert!(stream.chunk().unwrap().starts_with(b":"));
}

/// An HTTP+SSE session of 2024-11-05: its stream, and where to POST.
fn sse(server: &Running) -> (Http, String) {
    let mut stream = server.http();
    stream.write("GET", "/sse", &[("accept", "text/event-stream")], "");
    assert_eq!(stream.head().0, 200);
    let endpoint = next(&mut stream).unwrap();
    assert_eq!(endpoint.kind, "endpoint");
    (stream, endpoint.data)
}

fn say(server: &Running, endpoint: &str, message: &Value) -> u16 {
    let json = [("content-type", "application/json")];
    let mut http = server.http();
    http.send("POST", endpoint, &json, &message.to_string())
        .status
}

#[test]
fn http_and_sse_of_2024_answers_on_the_stream_and_ends_with_it() {
    let server = Running::start(Options::default());
    let (mut stream, endpoint) = sse(&server);
    assert_eq!(say(&server, &endpoint, &initialize(1, "2024-11-05")), 202);
    let answer = next(&mut stream).unwrap();
    assert_eq!((answer.kind.as_str(), answer.id.clone()), ("message", None));
    assert_eq!(answer.json()["result"]["protocolVersion"], "2024-11-05");
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(say(&server, &endpoint, &initialized), 202);
    say(&server, &endpoint, &tool(2, "slow", json!({"ms": 100})));
    say(&server, &endpoint, &tool(3, "slow", json!({"ms": 60_000})));
    say(&server, &endpoint, &echo(4));
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}});
    say(&server, &endpoint, &cancel);
    assert_eq!(next(&mut stream).unwrap().json()["id"], 4);
    assert_eq!(next(&mut stream).unwrap().json()["id"], 2);
    let mut progress = tool(5, "progress", json!({"n": 2, "every_ms": 1}));
    progress["params"]["_meta"] = json!({"progressToken": "p"});
    say(&server, &endpoint, &progress);
    for k in 1..=2 {
        assert_eq!(next(&mut stream).unwrap().json()["params"]["progress"], k);
    }
    assert_eq!(next(&mut stream).unwrap().json()["id"], 5);
    say(&server, &endpoint, &subscribe(6, 1));
    assert_eq!(next(&mut stream).unwrap().json()["id"], 6);
    server.websocket().call(&touch(1, 1));
    assert_eq!(uri(&next(&mut stream).unwrap().json()), "mcpipe://text/1");
    let nonsense = server.http().send(
        "POST",
        &endpoint,
        &[("content-type", "application/json")],
        "nonsense",
    );
    assert_eq!(nonsense.code(), -32700);
    server.until_metric("mcp_server_sessions_active{transport=\"sse\"}", 1.0);
    let series = |outcome| {
        format!(
            "mcp_server_requests_total{{method=\"tools/call\",transport=\"sse\",era=\"legacy\",outcome=\"{outcome}\"}}"
        )
    };
    server.until_metric(&series("ok"), 3.0);
    server.until_metric(&series("cancelled"), 1.0);
    drop(stream);
    server.until_metric("mcp_server_sessions_active{transport=\"sse\"}", 0.0);
    assert_eq!(say(&server, &endpoint, &echo(9)), 404);
    assert_eq!(say(&server, "/messages", &echo(9)), 404);
    assert_eq!(server.http().send("POST", "/sse", &[], "{}").status, 405);
}

#[test]
fn a_session_has_its_time_however_busy_it_is_and_is_gone_in_the_words_that_were_asked_for() {
    for (gone, status) in [(Gone::NotFound, 404), (Gone::BadRequest, 400)] {
        let server = Running::start(Options {
            session_ttl: Some(Duration::from_millis(100)),
            gone,
            ..Options::default()
        });
        let session = server.session("2025-11-25");
        let mut stream = listen(&server, &session, None);
        let id = [("mcp-session-id", session.as_str())];
        let mut reply = server.post(&id, &echo(2));
        until("the session ends", || {
            reply = server.post(&id, &echo(2));
            reply.status != 200
        });
        assert_eq!((reply.status, reply.code()), (status, -32600));
        assert!(next(&mut stream).is_none(), "and so does its stream");
        server.until_metric("mcp_server_sessions_active{transport=\"http\"}", 0.0);
    }
}

#[test]
fn a_client_is_given_a_cookie_until_it_sends_it() {
    let server = Running::start(Options {
        cookie: Some("sticky".into()),
        ..Options::default()
    });
    let reply = server.post(&[], &initialize(1, "2025-11-25"));
    let cookie = reply.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("sticky=") && cookie.ends_with("; Path=/; HttpOnly"));
    let pair = cookie.split(';').next().unwrap();
    let both = format!("other=1; {pair}");
    let reply = server.post(&[("cookie", &both)], &initialize(2, "2025-11-25"));
    assert_eq!(reply.header("set-cookie"), None);
    for cookie in ["sent", "missing"] {
        let series = format!("mcp_server_cookie_requests_total{{cookie=\"{cookie}\"}}");
        assert_eq!(server.metric(&series), 1.0, "pages do not count");
    }
    let other = Running::start(Options::default());
    let reply = other.post(&[], &initialize(1, "2025-11-25"));
    assert_eq!(reply.header("set-cookie"), None);
}

#[test]
fn an_answer_whose_stream_is_cut_off_comes_on_another_one_and_can_be_had_again() {
    let server = Running::start(Options {
        answers: AnswerForm::Sse,
        latency: Some(Latency::Fixed(Duration::from_millis(60))),
        cut_streams: Some(Duration::from_millis(20)),
        ..Options::default()
    });
    let session = server.session("2025-11-25");
    let id = [("mcp-session-id", session.as_str())];
    let cut = server.post(&id, &touch(7, 1));
    assert!(cut.text().contains("id: post/1/0\nretry: 100\ndata:\n\n"));
    assert!(!cut.text().contains("\"id\":7"), "{}", cut.text());
    let mut answers = 0;
    while answers < 2 {
        let mut stream = listen(&server, &session, Some("post/1/0"));
        while let Some(event) = next(&mut stream) {
            assert_eq!(
                (event.id.as_deref(), &event.json()["id"]),
                (Some("post/1/1"), &json!(7))
            );
            answers += 1;
        }
    }
    let unknown = [
        id[0],
        ("accept", "text/event-stream"),
        ("last-event-id", "post/9/0"),
    ];
    assert_eq!(server.http().send("GET", "/mcp", &unknown, "").status, 400);
}
