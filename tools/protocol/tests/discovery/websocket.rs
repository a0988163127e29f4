//! Discovery over WebSocket, against servers made of tungstenite.
#![allow(clippy::result_large_err)] // the signature of tungstenite's callback

use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use protocol::client::{Discovery, Options};
use protocol::revision::{Era, Revision};
use serde_json::{Value, json};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::{Message, WebSocket, accept_hdr};

use crate::meet_with as meet;
use crate::scripted::{self, accept};

type Socket = WebSocket<TcpStream>;

/// How a server deals with the subprotocol `mcp`.
#[derive(Clone, Copy, PartialEq)]
enum Subprotocol {
    Takes,
    Ignores,
    Refuses,
    Insists,
}

/// A server that gives each message to `answer`, which says what to send; `None` hangs up.
fn serve(
    subprotocol: Subprotocol,
    answer: impl Fn(&mut Socket, &Value) -> Option<Vec<Value>> + Send + Sync + 'static,
) -> (SocketAddr, Receiver<Value>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let address = accept(move |stream| {
        let choose = |request: &Request, mut response: Response| {
            let offered = request.headers().contains_key("sec-websocket-protocol");
            let refusal = |status: u16| {
                let mut refusal = ErrorResponse::new(Some("no".to_owned()));
                *refusal.status_mut() = status.try_into().unwrap();
                refusal
            };
            if request.uri().path() != "/mcp" {
                return Err(refusal(404));
            }
            if offered && subprotocol == Subprotocol::Refuses {
                return Err(refusal(400));
            }
            if (offered && subprotocol == Subprotocol::Takes) || subprotocol == Subprotocol::Insists
            {
                let headers = response.headers_mut();
                headers.insert("sec-websocket-protocol", "mcp".parse().unwrap());
            }
            Ok(response)
        };
        let Ok(mut socket) = accept_hdr(stream, choose) else {
            return;
        };
        while let Ok(message) = socket.read() {
            let Message::Text(text) = message else {
                continue;
            };
            let value: Value = serde_json::from_str(&text).unwrap();
            let _ = sender.lock().unwrap().send(value.clone());
            let Some(answers) = answer(&mut socket, &value) else {
                return;
            };
            for answer in answers {
                if socket.send(Message::text(answer.to_string())).is_err() {
                    return;
                }
            }
        }
    });
    (address, receiver)
}

fn result(request: &Value, result: Value) -> Option<Vec<Value>> {
    Some(vec![
        json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
    ])
}

fn legacy(request: &Value) -> Option<Vec<Value>> {
    match request["method"].as_str() {
        Some("initialize") => result(
            request,
            json!({"protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}}, "serverInfo": {"name": "w", "version": "1"}}),
        ),
        Some("tools/list") => result(request, json!({"tools": [{"name": "echo"}]})),
        _ if request.get("id").is_none() || request.get("method").is_none() => Some(vec![]),
        _ => Some(vec![
            json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32602, "message": "?"}}),
        ]),
    }
}

fn found(address: SocketAddr) -> Discovery {
    match meet(&format!("ws://{address}/mcp"), &Options::default()) {
        Ok(found) => found,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_legacy_server_is_told_by_any_error_to_the_probe() {
    let (address, heard) = serve(Subprotocol::Takes, |_, request| legacy(request));
    let found = found(address);
    assert_eq!(found.dialect.revision, Revision::V2025_11_25);
    assert!(found.dialect.subprotocol);
    assert_eq!(found.catalogue.tools[0].name, "echo");
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    let methods: Vec<_> = heard
        .try_iter()
        .map(|message| message["method"].clone())
        .collect();
    assert_eq!(
        methods,
        [
            "server/discover",
            "initialize",
            "notifications/initialized",
            "tools/list"
        ]
    );
}

#[test]
fn silence_to_the_probe_is_legacy_and_so_is_hanging_up() {
    let (silent, _heard) = serve(Subprotocol::Takes, |_, request| {
        match request["method"].as_str() {
            Some("server/discover") => Some(vec![]),
            _ => legacy(request),
        }
    });
    let options = Options {
        timeout: Duration::from_secs(3),
        ..Options::default()
    };
    let found_silent = meet(&format!("ws://{silent}/mcp"), &options).unwrap();
    assert_eq!(found_silent.dialect.era, Era::Legacy);
    assert!(found_silent.notes[0].contains("server/discover"));
    let (hangs_up, _heard) = serve(Subprotocol::Ignores, |_, request| {
        match request["method"].as_str() {
            Some("server/discover") => None,
            _ => legacy(request),
        }
    });
    let found = found(hangs_up);
    assert_eq!(found.dialect.era, Era::Legacy);
    assert_eq!(
        found.notes.len(),
        1,
        "told once, though it was connected twice: {:?}",
        found.notes
    );
}

#[test]
fn a_modern_server_pings_asks_and_chats_before_it_answers() {
    let (address, heard) = serve(
        Subprotocol::Takes,
        |socket, request| match request["method"].as_str() {
            Some("server/discover") => {
                socket.send(Message::Ping(vec![1, 2, 3].into())).unwrap();
                Some(vec![
                    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}),
                    json!({"jsonrpc": "2.0", "id": 900, "result": {"supportedVersions": ["1999"]}}),
                    json!({"jsonrpc": "2.0", "id": "q", "method": "roots/list"}),
                    json!({"jsonrpc": "2.0", "id": request["id"], "result": {
                    "supportedVersions": ["2025-11-25", "2026-07-28"], "capabilities": {"tools": {}}}}),
                ])
            }
            Some("tools/list") => result(request, json!({"tools": [{"name": "new"}]})),
            None => Some(vec![]),
            other => panic!("{other:?}"),
        },
    );
    let found = found(address);
    assert_eq!(found.dialect.era, Era::Modern);
    assert_eq!(found.catalogue.tools[0].name, "new");
    let replies: Vec<Value> = heard
        .try_iter()
        .filter(|message| message.get("error").is_some())
        .collect();
    assert_eq!(replies.len(), 1);
    assert_eq!(
        (&replies[0]["id"], &replies[0]["error"]["code"]),
        (&json!("q"), &json!(-32601))
    );
}

#[test]
fn the_subprotocol_is_found_out_and_oddities_are_told() {
    for (subprotocol, offer, takes, word) in [
        (Subprotocol::Takes, true, true, None),
        (Subprotocol::Takes, false, false, None),
        (Subprotocol::Ignores, true, false, Some("did not choose")),
        (
            Subprotocol::Refuses,
            true,
            false,
            Some("connected without it"),
        ),
        (
            Subprotocol::Insists,
            false,
            false,
            Some("though none was offered"),
        ),
    ] {
        let (address, _heard) = serve(subprotocol, |_, request| legacy(request));
        let options = Options {
            ws_subprotocol: offer,
            ..Options::default()
        };
        let found = meet(&format!("ws://{address}/mcp"), &options).unwrap();
        assert_eq!(found.dialect.subprotocol, takes);
        assert_eq!(
            found.notes.len(),
            usize::from(word.is_some()),
            "{:?}",
            found.notes
        );
        assert!(
            word.is_none_or(|word| found.notes[0].contains(word)),
            "{:?}",
            found.notes
        );
    }
}

#[test]
fn a_refused_upgrade_and_a_close_frame_are_told() {
    let (address, _heard) = serve(Subprotocol::Takes, |socket, _| {
        let frame = tungstenite::protocol::CloseFrame {
            code: tungstenite::protocol::frame::coding::CloseCode::Policy,
            reason: "full house".into(),
        };
        let _ = socket.close(Some(frame));
        let _ = socket.flush();
        Some(vec![])
    });
    let error = meet(&format!("ws://{address}/mcp"), &Options::default()).unwrap_err();
    assert_eq!(error.code(), "connection_closed");
    assert!(
        error.to_string().contains("1008") && error.to_string().contains("full house"),
        "{error}"
    );
    let error = meet(&format!("ws://{address}/other"), &Options::default()).unwrap_err();
    assert_eq!(error.code(), "upgrade_refused");
    assert!(
        error.to_string().contains("404") && error.to_string().contains("/other"),
        "{error}"
    );
    // Starlette forbids what it has no path for.
    let starlette = scripted::serve(|_, _| scripted::text_response(403, ""));
    let error = meet(&starlette.url().replace("http", "ws"), &Options::default()).unwrap_err();
    assert_eq!(error.code(), "upgrade_refused");
    assert!(
        error.to_string().contains("403") && error.to_string().contains("path"),
        "{error}"
    );
    let http_only = scripted::serve(|_, _| scripted::text_response(405, ""));
    let error = meet(&http_only.url().replace("http", "ws"), &Options::default()).unwrap_err();
    assert!(
        error.code() == "upgrade_refused" && error.to_string().contains("http://"),
        "{error}"
    );
}

#[test]
fn a_line_feed_is_appended_where_asked_for() {
    let address = accept(|stream| {
        let mut socket = tungstenite::accept(stream).unwrap();
        while let Ok(message) = socket.read() {
            let Message::Text(text) = message else {
                continue;
            };
            // A strict server takes nothing without one.
            let Some(line) = text.strip_suffix('\n') else {
                continue;
            };
            for answer in legacy(&serde_json::from_str(line).unwrap()).unwrap() {
                socket.send(Message::text(answer.to_string())).unwrap();
            }
        }
    });
    let url = format!("ws://{address}/mcp");
    let with = Options {
        ws_append_newline: true,
        ..Options::default()
    };
    assert_eq!(meet(&url, &with).unwrap().catalogue.tools.len(), 1);
    let without = Options {
        timeout: Duration::from_millis(600),
        ..Options::default()
    };
    let error = meet(&url, &without).unwrap_err();
    assert!(error.to_string().contains("--ws-append-newline"), "{error}");
}
