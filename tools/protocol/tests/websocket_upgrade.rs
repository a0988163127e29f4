//! The upgrade to WebSocket: what is asked, and which answers are taken.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use protocol::endpoint::Endpoint;
use protocol::http::{Broken, HeadError, HeadOptions, Limits};
use protocol::ws::{Upgrade, UpgradeError, Upgraded, upgrade_request};

/// The key of RFC 6455 1.3 and its answer.
const KEY: &[u8; 16] = b"the sample nonce";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Reads an answer, whole and byte by byte, which must make no difference.
fn read(offered: Option<&str>, answer: &str) -> Result<Option<Upgraded>, UpgradeError> {
    let endpoint = Endpoint::parse("ws://localhost:5555/mcp").unwrap();
    let (_, expected) = upgrade_request(&endpoint, &HeadOptions::default(), offered, *KEY).unwrap();
    let mut results = [1, usize::MAX].map(|size| {
        let mut upgrade = Upgrade::new(expected.clone(), Limits::default());
        for piece in answer.as_bytes().chunks(size.min(answer.len())) {
            let mut at = 0;
            match upgrade.next(piece, &mut at) {
                Ok(None) => assert_eq!(at, piece.len()),
                result => return result,
            }
        }
        Err(upgrade.eof())
    });
    assert_eq!(results[0], results[1], "{answer}");
    std::mem::replace(&mut results[0], Ok(None))
}

fn switch(more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-accept: {ACCEPT}\r\n{more}\r\n"
    )
}

#[test]
fn the_subprotocol_mcp_is_taken_with_and_without_and_unasked() {
    let upgraded = |subprotocol: Option<&str>, unasked_subprotocol| {
        Ok(Some(Upgraded {
            subprotocol: subprotocol.map(str::to_owned),
            unasked_subprotocol,
            set_cookies: Vec::new(),
        }))
    };
    let mcp = switch("sec-websocket-protocol: mcp\r\n");
    assert_eq!(read(Some("mcp"), &mcp), upgraded(Some("mcp"), false));
    assert_eq!(read(Some("mcp"), &switch("")), upgraded(None, false));
    assert_eq!(read(None, &switch("")), upgraded(None, false));
    assert_eq!(read(None, &mcp), upgraded(Some("mcp"), true));
    for offered in [Some("mcp"), None] {
        let error = read(offered, &switch("sec-websocket-protocol: graphql-ws\r\n")).unwrap_err();
        let offered = offered.map(str::to_owned);
        assert_eq!(
            error,
            UpgradeError::SubprotocolMismatch {
                offered,
                got: "graphql-ws".into()
            }
        );
    }
    let error = read(Some("other"), &mcp).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server chose the subprotocol `mcp`, where `other` was offered"
    );
}

#[test]
fn an_answer_that_only_looks_like_an_upgrade_is_refused() {
    let wrong_accept = switch("").replace(ACCEPT, "AAAA");
    let no_accept = switch("").replace("sec-websocket-accept", "x");
    let no_connection = switch("").replace("connection:", "x:");
    let other = switch("").replace("WebSocket", "h2c");
    let deflate = switch("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    assert_eq!(read(None, &wrong_accept), Err(UpgradeError::BadAccept));
    assert_eq!(read(None, &no_accept), Err(UpgradeError::BadAccept));
    assert_eq!(read(None, &no_connection), Err(UpgradeError::NotWebSocket));
    assert_eq!(read(None, &other), Err(UpgradeError::NotWebSocket));
    assert_eq!(
        read(None, &deflate),
        Err(UpgradeError::Extension("permessage-deflate".into()))
    );
    assert_eq!(read(None, "HTTP/1.1 101 Sw"), Err(UpgradeError::Ended));
    assert_eq!(
        read(None, "SSH-2.0-x\r\n"),
        Err(UpgradeError::Http(Broken::NotHttp))
    );
}

#[test]
fn a_refusal_keeps_status_direction_and_the_beginning_of_its_body() {
    let refused = |answer: &str| match read(Some("mcp"), answer) {
        Err(UpgradeError::Refused {
            status,
            location,
            body,
        }) => (status, location, body),
        other => panic!("{other:?}"),
    };
    let answers = [
        "HTTP/1.1 421 Misdirected Request\r\ncontent-length: 19\r\n\r\nInvalid Host header",
        "HTTP/1.1 421 Misdirected Request\r\ntransfer-encoding: chunked\r\n\r\n13\r\nInvalid Host header\r\n0\r\n\r\n",
        "HTTP/1.0 421 Misdirected Request\r\n\r\nInvalid Host header",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 421 Misdirected Request\r\ncontent-length: 19\r\n\r\nInvalid Host header",
    ];
    for answer in answers {
        assert_eq!(refused(answer), (421, None, "Invalid Host header".into()));
    }
    let moved = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /mcp/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(refused(moved), (307, Some("/mcp/".into()), String::new()));
    let sentence = read(None, moved).unwrap_err().to_string();
    assert!(
        sentence.contains("307") && sentence.contains("/mcp/"),
        "{sentence}"
    );
    let long = format!(
        "HTTP/1.1 500 X\r\ncontent-length: 5000\r\n\r\n{}",
        "e".repeat(5000)
    );
    assert_eq!(refused(&long).2.len(), 1024);
    let cut = "HTTP/1.1 403 Forbidden\r\ncontent-length: 50\r\n\r\nno";
    assert_eq!(refused(cut).0, 403);
}

#[test]
fn the_request_is_what_rfc_6455_asks_for_and_cannot_be_broken_by_headers() {
    let endpoint = Endpoint::parse("ws://[::1]:5555/mcp?a=b").unwrap();
    let own = [("Authorization".to_owned(), "Bearer t".to_owned())];
    let options = HeadOptions {
        host_header: Some("mcp.example"),
        headers: &own,
    };
    let (request, _) = upgrade_request(&endpoint, &options, Some("mcp"), *KEY).unwrap();
    let text = String::from_utf8(request).unwrap();
    assert!(
        text.starts_with("GET /mcp?a=b HTTP/1.1\r\nHost: mcp.example\r\n"),
        "{text}"
    );
    for line in [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: mcp",
        "Authorization: Bearer t",
    ] {
        assert!(
            text.contains(&format!("\r\n{line}\r\n")),
            "{line} is missing in {text}"
        );
    }
    assert!(text.ends_with("\r\n\r\n") && !text.to_lowercase().contains("extensions"));
    for name in ["Sec-WebSocket-Extensions", "Upgrade", "connection"] {
        let headers = [(name.to_owned(), "x".to_owned())];
        let options = HeadOptions {
            host_header: None,
            headers: &headers,
        };
        let error = upgrade_request(&endpoint, &options, None, *KEY).unwrap_err();
        assert_eq!(error, HeadError::Framing(name.into()));
    }
}

#[test]
fn tungstenite_takes_the_upgrade_and_the_first_frame_may_come_with_its_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("ws://{}/", listener.local_addr().unwrap())).unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(tungstenite::Message::text("first")).unwrap();
        socket
            .read()
            .unwrap()
            .into_text()
            .unwrap()
            .as_str()
            .to_owned()
    });
    let options = HeadOptions::default();
    let (request, expected) = upgrade_request(&endpoint, &options, None, *KEY).unwrap();
    let mut stream = std::net::TcpStream::connect(endpoint.resolve().unwrap()[0]).unwrap();
    stream.write_all(&request).unwrap();
    // RFC 6455 4.1: no frame before the answer, and tungstenite insists on it.
    let mut frame = Vec::new();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    protocol::ws::write_text(&mut frame, [1, 2, 3, 4], &[b"sent ", b"back"]);
    stream.write_all(&frame).unwrap();
    let (mut input, mut at) = (first.to_vec(), 0);
    stream.read_to_end(&mut input).ok();
    let mut upgrade = Upgrade::new(expected, Limits::default());
    assert!(matches!(upgrade.next(&input, &mut at), Ok(Some(_))));
    let mut frames = protocol::ws::FrameReader::new(protocol::ws::Limits::default());
    let first = frames.next(&input, &mut at).unwrap();
    assert_eq!(first, Some(protocol::ws::Frame::Message(b"first")));
    assert_eq!(server.join().unwrap(), "sent back");
}
