//! Cookies: each client sends those that its own origin has given it, so that a balancer knows it again.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{Hostile, Pipeline, Server, Stream, answer, assert_conserved};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

fn load(target: &str, more: &str) -> Stream {
    let run = Pipeline::new(format!(
        "mcp-gen {target} --clients 4 --rate 25/s --connect-for 500ms --warmup 0s --for 1s --interval 200ms -q {more}"
    ))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_conserved(&stream);
    assert_eq!(stream.totals()["ok"], 100, "{}", stream.totals()["errors"]);
    stream
}

/// What the server has counted: requests without its cookie, and with it.
fn counted(server: &Server) -> (u64, u64) {
    let url = server.http();
    let authority = url["http://".len()..].trim_end_matches("/mcp");
    let mut page = String::new();
    let mut client = TcpStream::connect(authority).unwrap();
    write!(
        client,
        "GET /metrics HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    client.read_to_string(&mut page).unwrap();
    let of = |which: &str| {
        let name = format!("mcp_server_cookie_requests_total{{cookie=\"{which}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap().parse().unwrap()
    };
    (of("missing"), of("sent"))
}

#[test]
fn all_requests_but_a_client_s_first_bring_its_cookie_over_every_kind_of_http() {
    for (path, era) in [("/mcp", "legacy"), ("/mcp", "modern"), ("/sse", "legacy")] {
        let server = Server::start(&["--cookie", "sticky"]);
        let url = server.http().replace("/mcp", path);
        load(
            &format!("--url {url}"),
            &format!("--protocol {era} --method tools/call"),
        );
        let (missing, sent) = counted(&server);
        assert!(sent >= 96, "{path} {era}: {missing} without, {sent} with");
        // Discovery keeps none, and asks some ten times; then one of each client.
        assert!(
            missing <= 20,
            "{path} {era}: {missing} without, {sent} with"
        );
    }
}

#[test]
fn a_user_s_own_cookie_is_left_alone() {
    let server = Server::start(&["--cookie", "sticky"]);
    load(&format!("--url {}", server.http()), "-H 'Cookie: mine=1'");
    assert_eq!(counted(&server).1, 0);
}

/// A server that names itself in a cookie, counts clients in another one, and writes down all that is sent to it.
fn named(seen: &Arc<Mutex<Vec<String>>>) -> Hostile {
    let seen = Arc::clone(seen);
    Hostile::listen(move |mut client, n| {
        let me = client.local_addr().unwrap().port();
        while let Some((head, body)) = Hostile::request(&mut client) {
            let cookie = head.lines().find_map(|line| line.strip_prefix("Cookie: "));
            seen.lock().unwrap().push(cookie.unwrap_or("").to_owned());
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let (status, text) = match request.get("id") {
                Some(_) => ("200 OK", answer(&request, false).to_string()),
                None => ("202 Accepted", String::new()),
            };
            let set = match cookie {
                None => format!("Set-Cookie: route={me}; Path=/\r\nset-cookie: client={n}\r\n"),
                Some(_) => String::new(),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\n{set}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            let _ = client.write_all((head + &text).as_bytes());
        }
    })
}

#[test]
fn a_cookie_goes_to_the_origin_that_has_given_it_and_each_client_has_its_own() {
    let seen = [Arc::default(), Arc::default()];
    let servers = seen.each_ref().map(named);
    let urls = servers
        .each_ref()
        .map(|s| format!("--url http://127.0.0.1:{}/mcp", s.port()));
    load(
        &urls.join(" "),
        "--protocol legacy --method tools/call --profile normal",
    );
    for (seen, server) in seen.iter().zip(&servers) {
        let mut by_client: BTreeMap<String, u64> = BTreeMap::new();
        for cookie in seen
            .lock()
            .unwrap()
            .iter()
            .filter(|cookie| !cookie.is_empty())
        {
            let route = format!("route={}", server.port());
            let parts: Vec<&str> = cookie.split("; ").collect();
            assert!(
                parts.len() == 2 && parts.contains(&route.as_str()),
                "{cookie}"
            );
            *by_client.entry(cookie.clone()).or_default() += 1;
        }
        // Two clients live here; each has sent `initialized` and 25 calls with what its first answer brought.
        let counts: Vec<u64> = by_client.into_values().collect();
        assert!(
            counts.len() == 2 && counts.iter().all(|&n| n >= 25),
            "{counts:?}"
        );
    }
}
