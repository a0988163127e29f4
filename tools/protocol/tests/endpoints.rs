//! URLs are taken apart as people write them, and what cannot be meant is refused with a remedy.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use protocol::endpoint::{Endpoint, EndpointError, Scheme};

#[test]
fn urls_are_taken_apart_and_written_back() {
    let cases = [
        (
            "ws://127.0.0.1:5555/mcp",
            Scheme::Ws,
            "127.0.0.1",
            5555,
            "/mcp",
            "127.0.0.1:5555",
        ),
        (
            "WSS://Example.com",
            Scheme::Wss,
            "Example.com",
            443,
            "/",
            "Example.com",
        ),
        (
            "http://a_b-c.d:80?x=1#part",
            Scheme::Http,
            "a_b-c.d",
            80,
            "/?x=1",
            "a_b-c.d",
        ),
        (
            "https://h:/p/q?a=b&c=%20",
            Scheme::Https,
            "h",
            443,
            "/p/q?a=b&c=%20",
            "h",
        ),
        (
            "http://[::1]:8080/mcp",
            Scheme::Http,
            "::1",
            8080,
            "/mcp",
            "[::1]:8080",
        ),
        (
            "tcps://box:5556",
            Scheme::Tcps,
            "box",
            5556,
            "/",
            "box:5556",
        ),
        ("https://[0:0::1]", Scheme::Https, "::1", 443, "/", "[::1]"),
    ];
    for (url, scheme, host, port, path, host_header) in cases {
        let endpoint = Endpoint::parse(url).unwrap();
        let expected = Endpoint {
            scheme,
            host: host.into(),
            port,
            path: path.into(),
        };
        assert_eq!(endpoint, expected, "{url}");
        assert_eq!(endpoint.host_header(), host_header, "{url}");
        assert_eq!(
            Endpoint::parse(&endpoint.to_string()),
            Ok(expected),
            "{url}"
        );
    }
    let endpoint = Endpoint::parse("https://[::1]/mcp").unwrap();
    assert_eq!(endpoint.origin(), "https://[::1]:443");
    assert_eq!(
        Endpoint::parse("http://EXAMPLE/").unwrap().origin(),
        "http://example:80"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_remedy() {
    let class = |url: &str| Endpoint::parse(url).unwrap_err();
    let sentence = class("localhost:5555/mcp").to_string();
    assert!(sentence.contains("ws://localhost:5555/mcp"), "{sentence}");
    assert!(
        class("http://user:secret@host/")
            .to_string()
            .contains("--header")
    );
    // The secret itself is not repeated into logs.
    assert!(
        !class("http://user:secret@host/")
            .to_string()
            .contains("secret")
    );
    assert_eq!(
        class("ftp://host/"),
        EndpointError::UnknownScheme("ftp".into())
    );
    for host in [
        "http://",
        "http:///mcp",
        "http://:80/",
        "http://a b/",
        "http://\u{e9}/",
        "http://::1/",
        "http://[::1/",
        "http://[x]/",
        "http://[::1]x/",
    ] {
        assert!(matches!(class(host), EndpointError::BadHost(_)), "{host}");
    }
    for port in ["0", "65536", "+80", "8o", "-1"] {
        assert_eq!(
            class(&format!("http://h:{port}/")),
            EndpointError::BadPort(port.into())
        );
    }
    assert_eq!(class("http://h/a b"), EndpointError::BadPath(' '));
    assert_eq!(class("http://h/a\r\nHost: x"), EndpointError::BadPath('\r'));
    let long = format!("http://h/{}", "a".repeat(9000));
    assert_eq!(class(&long), EndpointError::TooLong(9009));
}

#[test]
fn references_are_resolved_against_the_endpoint_they_came_from() {
    let base = Endpoint::parse("http://h:8000/a/sse?x=1").unwrap();
    for (reference, expected) in [
        (
            "/messages/?session_id=ab",
            "http://h:8000/messages/?session_id=ab",
        ),
        ("messages?s=1", "http://h:8000/a/messages?s=1"),
        ("?s=1", "http://h:8000/a/sse?s=1"),
        ("", "http://h:8000/a/sse?x=1"),
        ("//other/p", "http://other/p"),
        ("https://other:1/p", "https://other:1/p"),
    ] {
        assert_eq!(base.join(reference).unwrap().to_string(), expected);
    }
    assert!(base.join("/a\nb").is_err());
}

#[test]
fn addresses_are_found_and_unknown_hosts_named() {
    let endpoint = Endpoint::parse("ws://[::1]:5555/").unwrap();
    assert_eq!(endpoint.resolve().unwrap(), ["[::1]:5555".parse().unwrap()]);
    let endpoint = Endpoint::parse("ws://no-such-host.invalid/").unwrap();
    assert!(
        endpoint
            .resolve()
            .unwrap_err()
            .to_string()
            .contains("no-such-host.invalid")
    );
}
