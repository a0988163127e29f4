//! Faults over HTTP, by value: bodies of JSON, streams of events, two connections of HTTP+SSE.

use crate::speak::*;
use crate::talk::{Talk, fault};
use mcp_chaos::message::{Conversation, Side, Wire};
use serde_json::Value;

/// How a server answers a POST.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Json,
    JsonInChunks,
    JsonToTheEnd,
    Events,
    EventsToTheEnd,
    WholeEvents,
}

use Form::{Events, EventsToTheEnd, Json, JsonInChunks, JsonToTheEnd, WholeEvents};

const ALL: [Form; 6] = [
    Json,
    JsonInChunks,
    JsonToTheEnd,
    Events,
    EventsToTheEnd,
    WholeEvents,
];

impl Form {
    fn answer(self, id: u64, text: &str) -> String {
        let events = event(&format!("{id}a"), PROGRESS) + &event(&format!("{id}b"), text);
        match self {
            Json => json(text),
            JsonInChunks => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}{}{LAST}",
                chunk(&text[..9]),
                chunk(&text[9..])
            ),
            JsonToTheEnd => {
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{text}")
            }
            Events => {
                let [first, second] = [event("1", PROGRESS), event("2", text)].map(|e| chunk(&e));
                format!("{STREAM}{first}{second}{LAST}")
            }
            EventsToTheEnd => {
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{events}")
            }
            WholeEvents => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n{events}",
                events.len()
            ),
        }
    }

    fn ends_with_connection(self) -> bool {
        matches!(self, JsonToTheEnd | EventsToTheEnd)
    }

    /// Calls, answered in this form, one after the other on a connection, with these faults.
    fn calls(self, faults: &[&str], count: u64) -> Talk {
        self.calls_with(faults, "", count)
    }

    fn calls_with(self, faults: &[&str], lines: &str, count: u64) -> Talk {
        let mut talk = Talk::with(Wire::Http, faults);
        let count = if self.ends_with_connection() {
            1
        } else {
            count
        };
        for id in 1..=count {
            talk.client(post(lines, &call(id, "echo")));
            talk.server(self.answer(id, &result(id)));
        }
        if self.ends_with_connection() {
            talk.ended(Side::Server);
        }
        talk
    }

    /// The answers among the messages that have come, and the client's reader is not confused.
    fn answers(self, talk: &Talk) -> Vec<Value> {
        let mut bytes = talk.all(Side::Client);
        if self == JsonToTheEnd {
            // The reader wants to be told of the end; for it, a length is as good.
            let text = String::from_utf8(bytes).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                bytes = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into();
            } else {
                bytes = text.into();
            }
        }
        let mut values = replies(&bytes);
        values.retain(|value| value.get("id").is_some());
        values
    }
}

#[test]
fn a_changed_answer_is_framed_as_it_was() {
    for form in ALL {
        for (fault, pointer, expected) in [
            ("rpc_error:code=-7", "/error/code", Value::from(-7)),
            ("tool_error:tool=*", "/result/isError", Value::from(true)),
            ("wrong_result_type:tool=*", "/result", Value::from(42)),
        ] {
            let talk = form.calls(
                &[&format!("{fault},after=1"), &format!("{fault},first=1")],
                3,
            );
            let answers = form.answers(&talk);
            assert_eq!(
                answers.len() as u64,
                talk.count("matched"),
                "{form:?} {fault}"
            );
            for (answer, id) in answers.iter().zip(1u64..) {
                assert_eq!(answer["id"], id);
                assert_eq!(answer.pointer(pointer), Some(&expected), "{form:?} {fault}");
            }
        }
        // Padding is found in the text, and its end where its framing says.
        let talk = form.calls(&["oversize:size=70KiB,nth=1"], 2);
        for answer in form.answers(&talk) {
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert_eq!(text.len(), "Echo: hi é".len() + 70 * 1_024, "{form:?}");
        }
    }
}

#[test]
fn only_the_answer_that_is_hit_changes() {
    for form in [Json, JsonInChunks, Events, WholeEvents] {
        let mut talk = form.calls(&["rpc_error:nth=2"], 3);
        let got = talk.text(Side::Client);
        let [first, second, third] = [1, 2, 3].map(|id| form.answer(id, &result(id)));
        assert!(got.starts_with(&first) && got.ends_with(&third), "{form:?}");
        let middle = &got[first.len()..got.len() - third.len()];
        assert_ne!(middle, second);
        if matches!(form, Events | WholeEvents) {
            // The event's other lines, and the event before it, are as they were.
            assert!(middle.contains(PROGRESS) && middle.contains("event: message\nid: 2"));
        }
        assert_eq!((talk.count("matched"), talk.count("hit")), (3, 1));
        talk.ended(Side::Server);
        assert!(talk.end(Side::Client).is_some());
    }
}

#[test]
fn a_dropped_answer_leaves_silence_behind_and_no_wrong_answer() {
    for form in ALL {
        let mut talk = form.calls(&["drop_answer:nth=2"], 3);
        if form.ends_with_connection() {
            talk = form.calls(&["drop_answer"], 1);
        }
        let answers = form.answers(&talk);
        assert_eq!(
            answers.len(),
            usize::from(!form.ends_with_connection()),
            "{form:?}"
        );
        assert!(!talk.text(Side::Client).ends_with(LAST) || form != Events);
        // The server goes, and the client does not hear of it; when it goes, too, all is over.
        talk.ended(Side::Server);
        assert_eq!(
            (talk.end(Side::Client), talk.close()),
            (None, None),
            "{form:?}"
        );
        talk.ended(Side::Client);
        assert!(talk.close().is_some() && talk.end(Side::Server).is_some());
    }
}

#[test]
fn a_late_answer_holds_its_connection() {
    for form in ALL {
        let talk = form.calls(&["delay_answer:delay=300ms,first=1"], 2);
        let late = talk.now_us + 300_000;
        let before = String::from_utf8(talk.got(Side::Client)).unwrap();
        assert!(!before.contains("\"id\":"), "{form:?}: {before}");
        // On a stream, what is not the answer is in time.
        let streams = matches!(form, Events | EventsToTheEnd);
        assert_eq!(before.contains("progress"), streams, "{form:?}");
        let all: String = match form.ends_with_connection() {
            true => form.answer(1, &result(1)),
            false => [1, 2].map(|id| form.answer(id, &result(id))).concat(),
        };
        assert_eq!(talk.text(Side::Client), all, "{form:?}");
        assert!(talk.timed(Side::Client).iter().all(|(at, _)| *at <= late));
        if form.ends_with_connection() {
            assert_eq!(talk.end(Side::Client), Some(late));
        }
    }
}

#[test]
fn what_an_answer_of_its_own_cannot_do_is_counted() {
    for form in ALL {
        for name in ["reorder_answers", "duplicate_answer"] {
            let talk = form.calls(&[name], 2);
            let twice =
                name == "duplicate_answer" && !matches!(form, Json | JsonInChunks | JsonToTheEnd);
            let matched = talk.count("matched");
            assert_eq!(
                talk.count("single"),
                if twice { 0 } else { matched },
                "{form:?} {name}"
            );
            let answers = form.answers(&talk).len() as u64;
            assert_eq!(
                answers,
                if twice { 2 * matched } else { matched },
                "{form:?} {name}"
            );
        }
    }
}

#[test]
fn a_body_drips_with_its_head_and_the_next_answer_waits() {
    for form in ALL {
        let talk = form.calls(&["drip:size=16B,pause=1ms,first=1"], 2);
        let count = if form.ends_with_connection() { 1 } else { 2 };
        assert_eq!(form.answers(&talk).len(), count, "{form:?}");
        let timed = talk.timed(Side::Client);
        assert!(timed.last().unwrap().0 >= talk.now_us + 4_000, "{form:?}");
    }
}

#[test]
fn an_error_of_http_takes_the_place_of_any_answer() {
    for form in ALL {
        let talk = form.calls(&["http_error:status=429,retry_after=1500ms,nth=2"], 3);
        let talk = match form.ends_with_connection() {
            true => form.calls(&["http_error:status=429,retry_after=1500ms"], 1),
            false => talk,
        };
        let got = talk.text(Side::Client);
        let error = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nRetry-After: 2\r\nContent-Length: 41\r\n\r\nmcp-chaos answers in place of the server\n";
        let expected = match form.ends_with_connection() {
            true => error.to_owned(),
            false => form.answer(1, &result(1)) + error + &form.answer(3, &result(3)),
        };
        assert_eq!(got, expected, "{form:?}");
        assert_eq!(talk.count("hit"), 1);
        assert!(
            talk.text(Side::Server).contains("\"id\":1"),
            "the server gets the request"
        );
    }
}

#[test]
fn an_error_of_http_is_not_split_by_how_the_servers_bytes_are() {
    for form in [Json, JsonInChunks, Events, WholeEvents] {
        let answer = form.answer(1, &result(1)) + &form.answer(2, &result(2));
        for cut in 1..answer.len() {
            let mut talk = Talk::with(Wire::Http, &["http_error:status=500,first=1"]);
            talk.client(post("", &call(1, "a")) + &post("", &call(2, "a")));
            let bytes = answer.as_bytes();
            talk.server(&bytes[..cut]).server(&bytes[cut..]);
            let got = talk.text(Side::Client);
            assert!(got.starts_with("HTTP/1.1 500 Internal"), "{form:?} {cut}");
            assert!(got.ends_with(&form.answer(2, &result(2))), "{form:?} {cut}");
            assert_eq!(got.matches("HTTP/1.1").count(), 2);
        }
    }
}

#[test]
fn a_session_that_is_gone_is_told_and_the_server_does_not_hear_of_it() {
    let session = "Mcp-Session-Id: s-1\r\n";
    let [one, two, three] =
        [(session, 1), ("", 2), (session, 3)].map(|(lines, id)| post(lines, &call(id, "echo")));
    let all = format!("{one}{two}{three}");
    for cut in 0..all.len() {
        let mut talk = Talk::with(Wire::Http, &["session_gone"]);
        talk.client(&all[..cut]).client(&all[cut..]);
        assert_eq!(talk.text(Side::Server), two, "{cut}");
        // The third is answered behind the second, whose answer has not come yet.
        let first = talk.text(Side::Client);
        assert!(
            first.starts_with("HTTP/1.1 404 Not Found\r\n") && first.matches("404").count() == 1
        );
        talk.server(json(&result(2)));
        let got = talk.text(Side::Client);
        assert_eq!(got, format!("{first}{}{first}", json(&result(2))));
        assert_eq!((talk.count("hit"), talk.count("no_session")), (2, 1));
    }
    // The handshake has no session, its notification is none of the fault's business, and GET and DELETE only with `*`.
    for (method, hits) in [("tools/call", 0), ("*", 2)] {
        let mut talk = Talk::with(Wire::Http, &[&format!("session_gone:method={method}")]);
        talk.client(post(
            session,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ));
        for verb in ["GET", "DELETE"] {
            talk.client(format!("{verb} /mcp HTTP/1.1\r\nHost: a\r\n{session}\r\n"));
        }
        assert_eq!(talk.count("hit"), hits, "{method}");
    }
    // One session of several.
    let mut talk = Talk::with(Wire::Http, &["session_gone:session=s-2"]);
    talk.client(&one).client(one.replace("s-1", "s-2"));
    assert_eq!(
        (talk.text(Side::Server), talk.count("hit")),
        (one.clone(), 1)
    );
    // Where the client asks for the end of the connection, it gets it.
    let mut talk = Talk::with(Wire::Http, &["session_gone"]);
    talk.client(one.replace("Host:", "Connection: close\r\nHost:"));
    assert!(talk.text(Side::Client).contains("Connection: close\r\n"));
    assert!(talk.end(Side::Client).is_some());
    // What waits for `100 Continue` cannot be held.
    let mut talk = Talk::with(Wire::Http, &["session_gone"]);
    let expects = one.replace("Host:", "Expect: 100-continue\r\nHost:");
    let head = expects.find("\r\n\r\n").unwrap() + 4;
    talk.client(&expects[..head]);
    assert_eq!(talk.text(Side::Server), expects[..head]);
    talk.client(&expects[head..]);
    assert_eq!(
        (talk.text(Side::Server), talk.count("too_late")),
        (expects, 1)
    );
}

#[test]
fn a_stream_is_cut_after_some_events() {
    for form in [Events, EventsToTheEnd, WholeEvents] {
        for (events, progress, result) in [(0, 0, 0), (1, 1, 0), (2, 1, 1)] {
            for by in ["fin", "rst"] {
                let talk = form.calls(&[&format!("cut_stream:events={events},by={by}")], 1);
                let got = talk.text(Side::Client);
                assert!(got.starts_with("HTTP/1.1 200 OK"));
                assert_eq!(
                    got.matches("\"progress\"").count(),
                    progress,
                    "{form:?} {events}"
                );
                assert_eq!(
                    got.matches("\"result\"").count(),
                    result,
                    "{form:?} {events}"
                );
                assert!(!got.ends_with(LAST));
                assert_eq!(
                    talk.close(),
                    Some((talk.now_us, by == "rst")),
                    "{form:?} {events}"
                );
                assert_eq!(talk.count("hit"), 1);
            }
        }
        let talk = form.calls(&["cut_stream:events=3"], 1);
        assert_eq!(
            (talk.close(), talk.text(Side::Client)),
            (None, form.answer(1, &result(1)))
        );
    }
    // Of events that come together, too, only so many pass.
    let mut talk = Talk::with(Wire::Http, &["cut_stream:events=1"]);
    talk.client(post("", &call(1, "a")));
    talk.server(STREAM.to_owned() + &chunk(&(event("1", PROGRESS) + &event("2", &result(1)))));
    assert!(talk.close().is_some() && talk.text(Side::Client).contains("id: 1"));
    assert!(!talk.text(Side::Client).contains("id: 2"));
    let talk = Json.calls(&["cut_stream"], 2);
    assert_eq!(
        (talk.count("no_stream"), talk.count("hit"), talk.close()),
        (2, 0, None)
    );
    let mut talk = Talk::with(Wire::Http, &["cut_stream:method=*,events=1"]);
    talk.client("GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n")
        .server(STREAM)
        .server(chunk(": hi\n\n"));
    assert_eq!(talk.close(), None);
    talk.server(chunk(&event("1", PROGRESS)) + &chunk(&event("2", PROGRESS)));
    assert!(talk.close().is_some() && !talk.text(Side::Client).contains("id: 2"));
}

#[test]
fn headers_differ_from_bodies() {
    let modern = post(
        "Mcp-Method: tools/call\r\nMcp-Name: echo\r\n",
        &modern_call(1, "echo"),
    );
    for (header, wrong) in [
        ("Mcp-Method", "Mcp-Method: tools/list"),
        ("Mcp-Name", "Mcp-Name: echo-mismatch"),
    ] {
        for cut in 0..modern.len() {
            let mut talk = Talk::with(Wire::Http, &[&format!("header_mismatch:header={header}")]);
            talk.client(&modern[..cut]).client(&modern[cut..]);
            let got = talk.text(Side::Server);
            assert!(got.contains(wrong), "{got}");
            let right = if header == "Mcp-Name" {
                "Mcp-Name: echo"
            } else {
                "Mcp-Method: tools/call"
            };
            assert_eq!(got.replace(wrong, right), modern);
            assert_eq!(talk.count("hit"), 1);
        }
    }
    for form in ALL {
        let talk = form.calls(&["header_mismatch"], 1);
        let got = talk.text(Side::Client);
        let answer = form.answer(1, &result(1));
        let right = if got.contains("content-type") {
            "content-type: application/json"
        } else {
            ""
        };
        let expected = match right {
            "" => answer
                .replace("Content-Type: application/json", "Content-Type: text/html")
                .replace("Content-Type: text/event-stream", "Content-Type: text/html"),
            right => answer.replace(right, "content-type: text/html"),
        };
        assert_eq!((got, talk.count("hit")), (expected, 1), "{form:?}");
    }
    let mut talk = Talk::with(Wire::Http, &["header_mismatch"]);
    talk.client(post("", &call(1, "a")))
        .server("HTTP/1.1 202 Accepted\r\n\r\n");
    assert_eq!((talk.count("no_content"), talk.count("hit")), (1, 0));
}

#[test]
fn compressed_answers_pass_and_are_counted() {
    let mut talk = Talk::with(Wire::Http, &["drop_answer"]);
    let answer =
        json(&result(1)).replace("content-length", "content-encoding: gzip\r\ncontent-length");
    talk.client(post("", &call(1, "a"))).server(&answer);
    assert_eq!(
        (talk.text(Side::Client), talk.count("compressed")),
        (answer, 1)
    );
}

#[test]
fn answers_of_a_batch_in_one_stream_may_come_in_another_order() {
    let mut talk = Talk::with(Wire::Http, &["reorder_answers:first=1"]);
    talk.client(post("", &format!("[{},{}]", call(1, "a"), call(2, "a"))));
    talk.server(STREAM.to_owned() + &chunk(&event("1", &result(1))));
    assert!(talk.conversation.due_us().is_some());
    talk.server(chunk(&event("2", &result(2))) + LAST);
    let ids: Vec<_> = replies(&talk.all(Side::Client))
        .iter()
        .map(|v| v["id"].clone())
        .collect();
    assert_eq!(ids, [2, 1]);
    // The last one goes before the end of its stream, whatever it waits for.
    let mut talk = Talk::with(Wire::Http, &["reorder_answers:after=1"]);
    talk.client(post("", &format!("[{},{}]", call(1, "a"), call(2, "a"))));
    talk.server(
        STREAM.to_owned() + &chunk(&event("1", &result(1))) + &chunk(&event("2", &result(2))),
    );
    talk.server(LAST);
    assert_eq!(replies(&talk.all(Side::Client)).len(), 2);
    assert!(talk.text(Side::Client).ends_with(LAST));
}

#[test]
fn ids_are_swapped_across_connections() {
    let mut talk = Talk::with(Wire::Http, &["swap_ids:first=1"]);
    let mut other = Conversation::new(Wire::Http, 2);
    let mut passes = Vec::new();
    talk.client(post("", &call(5, "echo")));
    other.read(
        Side::Client,
        post("", &call(6, "echo")).as_bytes(),
        1,
        &mut talk.rules,
        &mut passes,
    );
    talk.server(json(&result(5)));
    assert_eq!(replies(&talk.all(Side::Client))[0]["id"], 6);
    passes.clear();
    other.read(
        Side::Server,
        json(&result(6)).as_bytes(),
        1,
        &mut talk.rules,
        &mut passes,
    );
    let mut client = Talk::new(Wire::Http);
    client.passes = passes;
    assert_eq!(replies(&client.all(Side::Client))[0]["id"], 5);
    assert_eq!(talk.count("hit"), 2);
}

/// HTTP+SSE: a stream, and a connection for what is posted.
struct Pair {
    stream: Talk,
    posts: Conversation,
}

impl Pair {
    fn new(faults: &[&str]) -> Self {
        let mut stream = Talk::new(Wire::Http);
        stream
            .client("GET /sse HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
            .server(STREAM)
            .server(chunk(
                "event: endpoint\r\ndata: http://a:1/messages/?session_id=ab\r\n\r\n",
            ));
        stream.passes.clear();
        for (n, text) in faults.iter().enumerate() {
            stream.rules.begin(&format!("f{}", n + 1), fault(text), 7);
        }
        Self {
            stream,
            posts: Conversation::new(Wire::Http, 2),
        }
    }

    /// Posts a call, and gives what the client gets on the connection on which it has posted.
    fn post(&mut self, id: u64, tool: &str) -> String {
        let mut post = post("", &call(id, tool));
        post = post.replace("/mcp", "/messages/?session_id=ab");
        let (rules, mut talk) = (&mut self.stream.rules, Talk::new(Wire::Http));
        self.posts
            .read(Side::Client, post.as_bytes(), 1, rules, &mut talk.passes);
        let accepted = b"HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\nAccepted";
        self.posts
            .read(Side::Server, accepted, 1, rules, &mut talk.passes);
        talk.text(Side::Client)
    }

    fn answer(&mut self, id: u64) -> &mut Self {
        let event = format!("event: message\r\ndata: {}\r\n\r\n", result(id));
        self.stream.server(chunk(&event));
        self
    }

    fn ids(&self) -> Vec<u64> {
        let bytes = [STREAM.as_bytes(), &self.stream.all(Side::Client)].concat();
        replies(&bytes)
            .iter()
            .map(|v| v["id"].as_u64().unwrap())
            .collect()
    }
}

#[test]
fn on_a_stream_of_2024_answers_are_known_by_what_was_posted_elsewhere() {
    let mut pair = Pair::new(&["drop_answer:tool=other"]);
    for (id, tool) in [(1, "echo"), (2, "other"), (3, "echo")] {
        assert!(pair.post(id, tool).ends_with("Accepted"));
    }
    pair.answer(1).answer(2).answer(3);
    assert_eq!(pair.ids(), [1, 3]);
    assert_eq!(pair.stream.count("hit"), 1);
    // The stream goes on to its end.
    pair.stream.server(LAST);
    assert!(pair.stream.text(Side::Client).ends_with(LAST));

    let mut pair = Pair::new(&["reorder_answers:nth=2"]);
    for id in 1..=3 {
        pair.post(id, "echo");
    }
    pair.answer(1).answer(2).answer(3);
    assert_eq!(pair.ids(), [1, 3, 2]);

    let mut pair = Pair::new(&["swap_ids:first=1", "duplicate_answer:session=ab,nth=3"]);
    for id in 1..=3 {
        pair.post(id, "echo");
    }
    pair.answer(1).answer(2).answer(3);
    assert_eq!(pair.ids(), [3, 2, 1, 1]);

    // Answered by an error, and so not once more on the stream.
    let mut pair = Pair::new(&["http_error:first=1"]);
    assert!(
        pair.post(1, "echo")
            .starts_with("HTTP/1.1 503 Service Unavailable")
    );
    assert!(pair.post(2, "echo").ends_with("Accepted"));
    pair.answer(1).answer(2);
    assert_eq!(pair.ids(), [2]);
}
