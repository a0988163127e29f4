//! What comes from a server is told apart, what goes to it is rendered, and neither can be talked into anything else.
#![allow(clippy::unwrap_used)] // a helper of a test may panic as the test itself

mod fuzz;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::answer::{BadMessage, Incoming, http_outcome, read};
use protocol::dialect::Dialect;
use protocol::header;
use protocol::message::{self, ClientInfo};
use protocol::outcome::Outcome;
use protocol::revision::{Era, Revision, Wanted};
use protocol::template::{IdDigits, Template};
use serde_json::{Value, json};

fn answer(message: &str) -> (Option<u64>, Outcome) {
    match read(message.as_bytes()) {
        Ok(Incoming::Answer { id, outcome }) => (id, outcome),
        other => panic!("{message} was read as {other:?}"),
    }
}

#[test]
fn an_answer_is_sorted_into_its_outcome() {
    for (rest, outcome) in [
        (r#""result":{}"#, Outcome::Ok),
        (r#""result":{"content":[],"isError":false}"#, Outcome::Ok),
        (
            r#""result":{"content":[],"isError":true}"#,
            Outcome::ToolError,
        ),
        (r#""result":{"content":[{"isError":true}]}"#, Outcome::Ok),
        (r#""result":{"isError":"true"}"#, Outcome::ProtocolError),
        (r#""result":{"resultType":"complete"}"#, Outcome::Ok),
        (
            r#""result":{"resultType":"complete","isError":true}"#,
            Outcome::ToolError,
        ),
        (
            r#""result":{"resultType":"input_required"}"#,
            Outcome::InputRequired,
        ),
        (r#""result":{"resultType":"half"}"#, Outcome::ProtocolError),
        (r#""result":[]"#, Outcome::ProtocolError),
        (r#""result":null"#, Outcome::ProtocolError),
        (
            r#""error":{"code":-32601,"message":"no"}"#,
            Outcome::RpcError(-32601),
        ),
        (r#""error":{"message":"no","code":0}"#, Outcome::RpcError(0)),
        (
            r#""error":{"data":{"code":1},"code":2,"message":""}"#,
            Outcome::RpcError(2),
        ),
        (r#""error":{"code":"x"}"#, Outcome::ProtocolError),
        (r#""error":"no""#, Outcome::ProtocolError),
        (r#""\u0072esult":{"is\u0045rror":true}"#, Outcome::ToolError),
    ] {
        let first = format!(r#"{{"jsonrpc":"2.0","id":7,{rest}}}"#);
        let last = format!("\r\n {{ {rest} , \"id\" : 7 , \"jsonrpc\" : \"2.0\" }}\n");
        assert_eq!(answer(&first), (Some(7), outcome), "{first}");
        assert_eq!(answer(&last), (Some(7), outcome), "{last}");
    }
}

#[test]
fn only_an_id_that_we_could_have_sent_is_taken() {
    for (id, expected) in [
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-1", None),
        ("1.0", None),
        ("1e3", None),
        ("\"7\"", None),
        ("null", None),
        ("[7]", None),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        assert_eq!(answer(&text).0, expected, "{text}");
    }
    let error = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}"#;
    assert_eq!(answer(error), (None, Outcome::RpcError(-32700)));
}

#[test]
fn what_is_no_message_is_told_by_its_fault() {
    for (text, fault) in [
        (r#"{"jsonrpc":"2.0","id":1}"#, BadMessage::Neither),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            BadMessage::ResultAndError,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"method":"x"}"#,
            BadMessage::RequestAndAnswer,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
            BadMessage::BadMethod,
        ),
        (
            r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
            BadMessage::NotJsonRpc,
        ),
        (
            r#"{"jsonrpc":2.0,"id":1,"result":{}}"#,
            BadMessage::NotJsonRpc,
        ),
        (r#"{"id":1,"result":{}}"#, BadMessage::NotJsonRpc),
        (
            r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
            BadMessage::NotAnObject,
        ),
        ("\"hello\"", BadMessage::NotAnObject),
        ("", BadMessage::NotJson(0)),
        ("hello", BadMessage::NotJson(0)),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{}}x"#,
            BadMessage::NotJson(36),
        ),
        (
            r#"{"jsonrpc":"2.0","id":01,"result":{}}"#,
            BadMessage::NotJson(23),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},}"#,
            BadMessage::NotJson(36),
        ),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap_err(), fault, "{text}");
    }
    let torn = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xff\"}}";
    assert_eq!(read(torn).unwrap_err(), BadMessage::NotUtf8(39));
}

#[test]
fn depth_is_bounded_and_the_last_of_two_keys_counts() {
    let nested = |depth: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"a":{}{}}}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert_eq!(answer(&nested(125)), (Some(1), Outcome::Ok));
    assert_eq!(
        read(nested(126).as_bytes()).unwrap_err(),
        BadMessage::TooDeep
    );
    assert_eq!(
        read("[".repeat(1 << 20).as_bytes()).unwrap_err(),
        BadMessage::TooDeep
    );
    let twice = r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{"isError":true,"isError":false}}"#;
    assert_eq!(answer(twice), (Some(2), Outcome::Ok));
}

#[test]
fn a_request_of_the_server_is_answered_and_a_notification_is_not() {
    let ping = br#"{"jsonrpc":"2.0","id":"a\"b","method":"ping"}"#;
    let Ok(Incoming::Request { id, method }) = read(ping) else {
        panic!("a ping is a request");
    };
    let reply: Value = serde_json::from_slice(&message::reply(id, &method)).unwrap();
    assert_eq!(reply, json!({"jsonrpc": "2.0", "id": "a\"b", "result": {}}));

    let sampling = br#"{"jsonrpc":"2.0","id":3,"method":"sampling\/createMessage","params":{}}"#;
    let Ok(Incoming::Request { id, method }) = read(sampling) else {
        panic!("it has an id");
    };
    assert_eq!(method, "sampling/createMessage");
    let reply: Value = serde_json::from_slice(&message::reply(id, &method)).unwrap();
    assert_eq!(reply["error"]["code"], -32601);
    assert_eq!(reply["id"], 3);

    for text in [
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","id":null}"#,
    ] {
        assert!(matches!(
            read(text.as_bytes()),
            Ok(Incoming::Notification { method }) if method == "notifications/progress"
        ));
    }
}

#[test]
fn an_http_status_counts_for_itself_but_for_the_named_exceptions() {
    let error = |code: i64, words: &str| {
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": words}}).to_string()
    };
    let typescript = error(-32000, "Bad Request: Server not initialized");
    let no_session = error(-32000, "Bad Request: No valid session ID provided");
    let other = error(-32000, "Bad Request: unsupported version");
    let unknown = error(-32601, "Method not found");
    let mismatch = error(-32020, "Header mismatch");
    let fine = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned();
    use Era::{Legacy, Modern};
    for (status, body, era, session, outcome) in [
        (200, &fine, Legacy, true, Outcome::Ok),
        (200, &unknown, Legacy, false, Outcome::RpcError(-32601)),
        (
            200,
            &"<html>".to_owned(),
            Legacy,
            false,
            Outcome::ProtocolError,
        ),
        (202, &String::new(), Legacy, false, Outcome::StreamEnded),
        (
            404,
            &"Not Found".to_owned(),
            Legacy,
            true,
            Outcome::SessionLost,
        ),
        (
            404,
            &"Not Found".to_owned(),
            Legacy,
            false,
            Outcome::HttpError(404),
        ),
        (400, &typescript, Legacy, true, Outcome::SessionLost),
        (400, &no_session, Legacy, true, Outcome::SessionLost),
        (400, &no_session, Legacy, false, Outcome::HttpError(400)),
        (400, &other, Legacy, true, Outcome::HttpError(400)),
        (404, &unknown, Modern, false, Outcome::RpcError(-32601)),
        (404, &other, Modern, false, Outcome::HttpError(404)),
        (400, &mismatch, Modern, false, Outcome::RpcError(-32020)),
        (500, &mismatch, Modern, false, Outcome::HttpError(500)),
        (503, &String::new(), Modern, false, Outcome::HttpError(503)),
    ] {
        let got = http_outcome(status, Some(body.as_bytes()), era, session);
        assert_eq!(got, outcome, "{status} {body} {era}");
    }
    assert_eq!(http_outcome(202, None, Legacy, false), Outcome::StreamEnded);
}

#[test]
fn a_template_is_the_same_message_whole_and_in_pieces() {
    let legacy = Dialect::new(Revision::LATEST_LEGACY);
    let params = json!({"name": "écho", "arguments": {"text": "a\nb"}});
    let call = Template::new("tools/call", params.clone(), &legacy);
    assert_eq!(call.name(), Some("écho"));
    assert_eq!(call.encoded_name(), Some("=?base64?w6ljaG8=?="));
    for id in [0, 9, 10, 99, 100, 12_345_678_901, u64::MAX] {
        let mut whole = b"before".to_vec();
        call.write(id, &mut whole);
        let whole = &whole[6..];
        assert_eq!(whole.len(), call.body_len(id), "{id}");
        assert_eq!(whole, call.parts(id, &mut IdDigits::new()).concat());
        let value: Value = serde_json::from_slice(whole).unwrap();
        let expected =
            json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        assert_eq!(value, expected);
    }
    let mut ping = Vec::new();
    Template::new("ping", Value::Null, &legacy).write(1, &mut ping);
    assert_eq!(ping, br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
}

#[test]
fn a_modern_template_says_its_revision_and_keeps_meta_of_its_own() {
    let modern = Dialect::new(Revision::MODERN);
    let params = json!({"uri": "file:///a", "_meta": {"progressToken": 5}});
    let mut out = Vec::new();
    let call = Template::by(
        "resources/read",
        params,
        &modern,
        &ClientInfo::named("probe"),
    );
    call.write(1, &mut out);
    assert_eq!(call.encoded_name(), Some("file:///a"));
    let meta = &serde_json::from_slice::<Value>(&out).unwrap()["params"]["_meta"];
    assert_eq!(meta["progressToken"], 5);
    assert_eq!(
        meta["io.modelcontextprotocol/protocolVersion"],
        "2026-07-28"
    );
    assert_eq!(
        meta["io.modelcontextprotocol/clientCapabilities"],
        json!({})
    );
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "probe");
    // Only three methods carry the header, whatever their parameters are called.
    let other = Template::new("resources/subscribe", json!({"uri": "x"}), &modern);
    assert_eq!((other.name(), other.encoded_name()), (Some("x"), None));
}

#[test]
fn a_schema_names_the_headers_that_repeat_its_arguments() {
    let schema = json!({"properties": {
        "city": {"type": "string", "x-mcp-header": "City"},
        "n": {"type": "integer", "x-mcp-header": "N"},
        "deep": {"properties": {"on": {"type": "boolean", "x-mcp-header": "On"}}},
        "gone": {"type": "string", "x-mcp-header": "Gone"},
        "null": {"type": ["string", "null"], "x-mcp-header": "Null"},
        "evil": {"type": "string", "x-mcp-header": "A: b\r\nC"},
    }});
    let arguments =
        json!({"city": "Köln", "n": 4, "deep": {"on": true}, "null": null, "evil": "x"});
    let mut headers = header::params(&schema, &arguments);
    headers.sort();
    let expected = [
        ("Mcp-Param-City", "=?base64?S8O2bG4=?="),
        ("Mcp-Param-N", "4"),
        ("Mcp-Param-On", "true"),
    ];
    assert_eq!(
        headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn the_words_for_protocols_are_read_and_their_error_lists_them() {
    assert_eq!("auto".parse(), Ok(Wanted::Auto));
    assert_eq!("modern".parse(), Ok(Wanted::Era(Era::Modern)));
    for revision in Revision::ALL {
        assert_eq!(revision.to_string().parse(), Ok(Wanted::Revision(revision)));
    }
    let error = "2023-01-01".parse::<Wanted>().unwrap_err().to_string();
    for choice in ["auto", "legacy", "modern", "2024-11-05", "2026-07-28"] {
        assert!(error.contains(choice), "{error}");
    }
    assert!(Wanted::Era(Era::Legacy).admits(Revision::V2024_11_05));
    assert!(!Wanted::Era(Era::Legacy).admits(Revision::MODERN));
}

#[test]
fn each_outcome_has_a_class_and_a_number_of_its_own() {
    let all = [
        Outcome::Ok,
        Outcome::ToolError,
        Outcome::RpcError(1),
        Outcome::HttpError(500),
        Outcome::ConnectFailed,
        Outcome::ConnectionClosed { reused: true },
        Outcome::StreamEnded,
        Outcome::Timeout,
        Outcome::Abandoned,
        Outcome::ProtocolError,
        Outcome::SessionLost,
        Outcome::InputRequired,
        Outcome::Cancelled,
        Outcome::Shed,
    ];
    for (index, outcome) in all.into_iter().enumerate() {
        assert_eq!(outcome.index(), index);
        // The class is the variant's name in another spelling.
        let variant = format!("{outcome:?}");
        let variant = variant.split(['(', ' ']).next().unwrap();
        assert_eq!(outcome.class().replace('_', ""), variant.to_lowercase());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,12}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: fuzz::cases(512), rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    // serde_json is the oracle: what it takes, with a few bytes changed, is what we take.
    #[test]
    fn the_reader_takes_exactly_what_is_json(
        value in any_json(),
        pretty in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u8>(), prop::sample::select(br#"{}[]",:\u0 tn-+.eE19"#.to_vec())
        ]), 0..4),
    ) {
        let mut bytes = if pretty {
            serde_json::to_vec_pretty(&value).unwrap()
        } else {
            serde_json::to_vec(&value).unwrap()
        };
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let ours = match read(&bytes) {
            Err(BadMessage::NotJson(_) | BadMessage::NotUtf8(_) | BadMessage::TooDeep) => false,
            Ok(_) | Err(_) => true,
        };
        let theirs = std::str::from_utf8(&bytes).is_ok()
            && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        prop_assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_header_value_comes_back_as_it_was(value in any::<String>()) {
        let encoded = header::encode_value(&value);
        prop_assert!(encoded.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert_eq!(encoded.trim(), &*encoded);
        prop_assert_eq!(header::decode_value(&encoded), Some(value.as_str().into()));
    }
}
