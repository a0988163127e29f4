//! Discovery over TLS, against servers made of rustls.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::client::Options;
use protocol::revision::Era;
use protocol::tls::{Roots, client_config};
use serde_json::{Value, json};

use crate::meet_with as meet;
use crate::scripted::accept;

/// An HTTPS server with a certificate that nobody has signed.
fn https() -> SocketAddr {
    use std::io::{Read, Write};
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    accept(move |stream| {
        let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::StreamOwned::new(tls, stream);
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            request.extend_from_slice(&buffer[..length]);
            let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let Ok(message) = serde_json::from_slice::<Value>(&request[end + 4..]) else {
                continue;
            };
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": {
                "supportedVersions": ["2026-07-28"], "capabilities": {}}});
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all((head + &answer).as_bytes()).unwrap();
            stream.flush().unwrap();
            request.clear();
        }
    })
}

#[test]
fn trouble_with_tls_names_the_option_that_helps() {
    let address = https();
    let url = format!("https://{address}/mcp");
    let trusting = |roots| Options {
        tls: Some(client_config(roots, &[b"http/1.1"]).unwrap()),
        ..Options::default()
    };
    let found = meet(&url, &trusting(Roots::Insecure)).unwrap();
    assert_eq!(found.dialect.era, Era::Modern);

    let strict = client_config(Roots::System, &[b"http/1.1"]);
    // A machine without any trusted certificates says so, which is another sentence.
    if strict.is_ok() {
        let error = meet(&url, &Options::default()).unwrap_err();
        assert_eq!(error.code(), "bad_certificate", "{error}");
        assert!(
            error.to_string().contains("--ca-file") && error.to_string().contains("--insecure"),
            "{error}"
        );
    }
    let error = meet(&format!("http://{address}/mcp"), &Options::default()).unwrap_err();
    assert_eq!(error.code(), "tls_expected", "{error}");

    let raw = accept(|mut stream| {
        use std::io::{Read, Write};
        let _ = stream.read(&mut [0; 1000]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    let error = meet(&format!("wss://{raw}/mcp"), &trusting(Roots::Insecure)).unwrap_err();
    assert_eq!(error.code(), "not_tls", "{error}");
}
