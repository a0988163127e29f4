//! Host and Origin: a page in a browser must not reach the server through a name that it controls.

use server::Options;
use tungstenite::client::IntoClientRequest;

use crate::support::*;

#[test]
fn a_foreign_host_is_421_and_the_sentence_names_the_option() {
    let server = Running::start(Options::default());
    let reply = server.post(&[("host", "mcp-server:5555")], &initialize(1, "2025-11-25"));
    assert_eq!(reply.status, 421);
    assert!(
        reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--allow-host")
    );
    for host in ["127.0.0.1", "localhost:1234", "[::1]:80"] {
        assert_eq!(
            server
                .post(&[("host", host)], &initialize(1, "2025-11-25"))
                .status,
            200,
            "{host}"
        );
    }
    let mut twice = server.http();
    twice.write(
        "POST",
        "/mcp",
        &[("host", "localhost"), ("host", "evil")],
        "{}",
    );
    assert_eq!(twice.read().status, 400);
}

#[test]
fn allowed_hosts_and_origins_are_let_in() {
    let server = Running::start(Options {
        allow_hosts: vec![String::from("mcp-server")],
        allow_origins: vec![String::from("https://app.example")],
        ..Options::default()
    });
    let try_with = |host, origin| {
        server
            .post(
                &[("host", host), ("origin", origin)],
                &initialize(1, "2025-11-25"),
            )
            .status
    };
    assert_eq!(try_with("mcp-server:5555", "https://app.example"), 200);
    assert_eq!(try_with("MCP-Server", "http://localhost:3000"), 200);
    assert_eq!(try_with("mcp-server", "https://app.example.evil"), 403);
    assert_eq!(try_with("mcp-server", "null"), 403);
    assert_eq!(try_with("other", "https://app.example"), 421);
}

#[test]
fn a_websocket_from_a_foreign_page_is_refused() {
    let server = Running::start(Options::default());
    let mut request = format!("ws://{}/mcp", server.address)
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("origin", "https://evil.example".parse().unwrap());
    match tungstenite::client(request, connect(server.address)) {
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            assert_eq!(response.status(), 403);
        }
        other => panic!("{:?}", other.map(|_| "let in")),
    }
}

#[test]
fn health_and_metrics_answer_to_any_name() {
    let server = Running::start(Options::default());
    for path in ["/health", "/metrics"] {
        assert_eq!(
            server
                .http()
                .send("GET", path, &[("host", "mcp-server")], "")
                .status,
            200
        );
        assert_eq!(server.http().send("POST", path, &[], "").status, 405);
    }
    assert_eq!(
        server.http().send("GET", "/health", &[], "").json()["status"],
        "ok"
    );
    assert_eq!(server.http().send("GET", "/nothing", &[], "").status, 404);
}
