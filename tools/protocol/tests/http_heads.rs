//! Request heads hold what MCP asks for, and nothing that a user or a server gives can break out of its line.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod fuzz;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::dialect::Dialect;
use protocol::endpoint::Endpoint;
use protocol::http::{HeadError, HeadOptions, PostHead, Routing, delete_head, get_head};
use protocol::revision::Revision;
use protocol::template::Template;

/// Request line and headers (names in lower case), as a server would parse them.
fn parse(head: &[u8]) -> (String, Vec<(String, String)>) {
    let mut slots = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut slots);
    let length = request.parse(head).unwrap().unwrap();
    assert_eq!(length, head.len(), "the head ends with its blank line");
    let headers = request.headers.iter();
    let headers = headers.map(|h| {
        (
            h.name.to_ascii_lowercase(),
            String::from_utf8(h.value.to_vec()).unwrap(),
        )
    });
    (
        format!("{} {}", request.method.unwrap(), request.path.unwrap()),
        headers.collect(),
    )
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|(found, _)| found == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} is given twice");
    value
}

fn endpoint() -> Endpoint {
    Endpoint::parse("http://127.0.0.1:8000/mcp").unwrap()
}

fn own(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

fn routing() -> Routing<'static> {
    Routing {
        method: "tools/call",
        name: Some("echo"),
        params: &[],
    }
}

#[test]
fn a_post_holds_what_both_eras_ask_for() {
    let options = HeadOptions::default();
    let head = PostHead::new(&endpoint(), &options, Some("2025-11-25"), Some("s-1")).unwrap();
    let mut out = b"before".to_vec();
    head.write(None, 1234567890, &mut out);
    let (line, headers) = parse(&out[6..]);
    assert_eq!(line, "POST /mcp");
    for (name, expected) in [
        ("host", "127.0.0.1:8000"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-session-id", "s-1"),
        ("content-length", "1234567890"),
    ] {
        assert_eq!(value(&headers, name), Some(expected), "{name}");
    }
    assert_eq!(value(&headers, "mcp-method"), None);
    let head = PostHead::new(&endpoint(), &options, Some("2026-07-28"), None).unwrap();
    let mut out = Vec::new();
    head.write(Some(routing()), 0, &mut out);
    let (_, headers) = parse(&out);
    assert_eq!(value(&headers, "mcp-method"), Some("tools/call"));
    assert_eq!(value(&headers, "mcp-name"), Some("echo"));
    assert_eq!(
        (
            value(&headers, "content-length"),
            value(&headers, "mcp-session-id")
        ),
        (Some("0"), None)
    );
}

#[test]
fn arguments_that_the_schema_marks_stand_in_headers_too() {
    let schema = serde_json::json!({
        "properties": { "region": { "type": "string", "x-mcp-header": "Region" }, "n": { "type": "integer" } }
    });
    let arguments = serde_json::json!({ "region": "Zürich", "n": 1 });
    let params = serde_json::json!({ "name": "weather", "arguments": arguments });
    let template = Template::new("tools/call", params, &Dialect::new(Revision::MODERN))
        .with_param_headers(&schema, &arguments);
    let options = HeadOptions {
        host_header: None,
        headers: &[],
    };
    let head = PostHead::new(&endpoint(), &options, Some("2026-07-28"), None).unwrap();
    let mut out = Vec::new();
    head.write(Some(template.routing()), template.body_len(1), &mut out);
    let (_, headers) = parse(&out);
    assert_eq!(value(&headers, "mcp-name"), Some("weather"));
    assert_eq!(
        value(&headers, "mcp-param-region"),
        Some("=?base64?WsO8cmljaA==?=")
    );
    assert_eq!(value(&headers, "mcp-param-n"), None);
}

#[test]
fn a_header_of_the_user_takes_the_place_of_ours() {
    let headers = own(&[
        ("ACCEPT", "*/*"),
        ("Host", "a.example"),
        ("mcp-name", "mine"),
        ("X-Two", "1"),
        ("X-Two", "2"),
    ]);
    let options = HeadOptions {
        host_header: None,
        headers: &headers,
    };
    let mut out = Vec::new();
    let head = PostHead::new(&endpoint(), &options, None, None).unwrap();
    head.write(Some(routing()), 2, &mut out);
    let (_, sent) = parse(&out);
    assert_eq!(value(&sent, "accept"), Some("*/*"));
    assert_eq!(value(&sent, "host"), Some("a.example"));
    assert_eq!(value(&sent, "mcp-name"), Some("mine"));
    assert_eq!(sent.iter().filter(|(name, _)| name == "x-two").count(), 2);
    // --host-header is the more particular of the two.
    let options = HeadOptions {
        host_header: Some("b.example"),
        headers: &headers,
    };
    let get = get_head(&endpoint(), &options, None, Some("s"), Some("0/7")).unwrap();
    let (line, sent) = parse(&get);
    assert_eq!(
        (line.as_str(), value(&sent, "host")),
        ("GET /mcp", Some("b.example"))
    );
    assert_eq!(value(&sent, "last-event-id"), Some("0/7"));
    let delete = delete_head(&endpoint(), &HeadOptions::default(), None, "s-9").unwrap();
    let (line, sent) = parse(&delete);
    assert_eq!(
        (line.as_str(), value(&sent, "mcp-session-id")),
        ("DELETE /mcp", Some("s-9"))
    );
}

#[test]
fn headers_that_would_break_the_framing_are_refused() {
    let attempt = |name: &str, text: &str| {
        let headers = own(&[(name, text)]);
        let options = HeadOptions {
            host_header: None,
            headers: &headers,
        };
        PostHead::new(&endpoint(), &options, None, None).map(drop)
    };
    assert_eq!(
        attempt("X", "a\r\nContent-Length: 0"),
        Err(HeadError::BadValue("X".into()))
    );
    assert_eq!(attempt("X", "a\0"), Err(HeadError::BadValue("X".into())));
    for name in ["", "a b", "a:", "a\r\nb", "\u{e9}"] {
        assert_eq!(attempt(name, "x"), Err(HeadError::BadName(name.into())));
    }
    for name in ["content-length", "Transfer-Encoding", "Upgrade"] {
        assert_eq!(attempt(name, "1"), Err(HeadError::Framing(name.into())));
    }
    assert_eq!(attempt("X-Text", "tab\tand \u{e9}"), Ok(()));
    let session = PostHead::new(
        &endpoint(),
        &HeadOptions::default(),
        None,
        Some("s\r\nX: y"),
    );
    assert_eq!(
        session.unwrap_err(),
        HeadError::BadValue("Mcp-Session-Id".into())
    );
    let options = HeadOptions {
        host_header: Some("h\nX: y"),
        headers: &[],
    };
    assert!(delete_head(&endpoint(), &options, None, "s").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(512), rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_head_is_refused_or_has_exactly_the_headers_given(
        name in "[A-Za-z -~\r\n]{0,12}", text in "[ -~\t\r\n\0\u{e9}]{0,20}",
    ) {
        let headers = [(format!("X-{name}"), text.clone())];
        let options = HeadOptions { host_header: None, headers: &headers };
        if let Ok(head) = PostHead::new(&endpoint(), &options, None, None) {
            let mut out = Vec::new();
            head.write(None, 7, &mut out);
            let (_, sent) = parse(&out);
            prop_assert_eq!(sent.len(), 6);
            let given = format!("X-{name}").to_ascii_lowercase();
            prop_assert_eq!(value(&sent, &given), Some(text.trim_matches([' ', '\t'])));
        }
    }
}
