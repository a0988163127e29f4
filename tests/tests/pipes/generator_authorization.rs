//! Authorization: headers that never stand on the command line, and tokens that are fetched before the load and renewed
//! while it goes on.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_tests::{Finished, Hostile, Pipeline, answer, assert_conserved};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

const SECRET: &str = "s3cret&more=1";

/// Tokens that were given, and how often each, or another Authorization header, came with a call.
#[derive(Default)]
struct Known {
    given: Vec<String>,
    seen: BTreeMap<String, u64>,
}

type Shared = Arc<Mutex<Known>>;

fn respond(client: &mut TcpStream, status: &str, more: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\n{more}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = client.write_all((head + body).as_bytes());
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
    found.next().map_or("", |(_, value)| value)
}

/// A server of tokens that live for two seconds. `odd` may answer the n-th request otherwise, with this status and body.
fn tokens(
    known: &Shared,
    odd: impl Fn(usize, &str, &str) -> Option<(&'static str, &'static str)> + Send + Sync + 'static,
) -> Hostile {
    let known = Arc::clone(known);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Hostile::listen(move |mut client, _| {
        let Some((head, body)) = Hostile::request(&mut client) else {
            return;
        };
        let body = String::from_utf8(body).unwrap();
        assert!(head.starts_with("POST /token?x=1 "), "{head}");
        assert!(body.contains("grant_type=client_credentials"), "{body}");
        let n = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let Some((status, text)) = odd(n, header(&head, "authorization"), &body) {
            return respond(&mut client, status, "", text);
        }
        let mut known = known.lock().unwrap();
        let token = format!("tok-{}", known.given.len() + 1);
        known.given.push(token.clone());
        let text = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 2 });
        respond(&mut client, "200 OK", "", &text.to_string());
    })
}

/// An MCP server that takes the last two tokens, and whatever `also` is.
fn guarded(known: &Shared, also: &'static str) -> Hostile {
    let known = Arc::clone(known);
    Hostile::listen(move |mut client, _| {
        while let Some((head, body)) = Hostile::request(&mut client) {
            let came = header(&head, "authorization").to_owned();
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut known = known.lock().unwrap();
            let fresh = known.given.iter().rev().take(2);
            let good = came == also || fresh.into_iter().any(|t| came == format!("Bearer {t}"));
            if request["method"] == "tools/call" {
                *known.seen.entry(came).or_default() += 1;
            }
            drop(known);
            if !good {
                let pointer = "WWW-Authenticate: Bearer error=\"invalid_token\", resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource\"\r\n";
                respond(&mut client, "401 Unauthorized", pointer, "");
            } else if request.get("id").is_some() {
                respond(
                    &mut client,
                    "200 OK",
                    "",
                    &answer(&request, false).to_string(),
                );
            } else {
                respond(&mut client, "202 Accepted", "", "");
            }
        }
    })
}

fn url(server: &Hostile) -> String {
    format!("--url http://127.0.0.1:{}/mcp", server.port())
}

fn oauth(tokens: &Hostile) -> String {
    format!(
        "--oauth-token-url 'http://127.0.0.1:{}/token?x=1' --oauth-client-id load",
        tokens.port()
    )
}

fn run(options: &str) -> Finished {
    let done = Pipeline::new(format!(
        "mcp-gen --clients 4 --rate 10/s --connect-for 500ms --warmup 0s --interval 200ms --protocol legacy --method tools/call {options}"
    ))
    .before(&format!("umask 077; printf '%s\\n' '{SECRET}' > secret"))
    .variable("OAUTH_CLIENT_SECRET", SECRET)
    .run();
    for said in [&done.text(), &done.stderr] {
        for hidden in [SECRET, "tok-", "hidden-"] {
            assert!(!said.contains(hidden), "{hidden} is told: {said}");
        }
    }
    done
}

#[test]
fn tokens_are_fetched_before_the_load_and_renewed_while_it_goes_on() {
    let known = Shared::default();
    let pair = format!("Basic {}", STANDARD.encode("load:s3cret%26more%3D1"));
    let tokens = tokens(&known, move |_, basic, body| {
        assert_eq!(basic, pair);
        assert!(
            body.ends_with("&scope=mcp%3Acall+x&resource=https%3A%2F%2Fmcp.example%2Fmcp"),
            "{body}"
        );
        None
    });
    let server = guarded(&known, "");
    let done = run(&format!(
        "{} {} --oauth-client-secret-file secret --oauth-scope 'mcp:call x' --oauth-resource https://mcp.example/mcp --for 5s",
        url(&server),
        oauth(&tokens)
    ));
    done.assert_stages(&[0]);
    let stream = done.stream();
    assert_conserved(&stream);
    let totals = stream.totals();
    assert_eq!(
        [&totals["ok"], &totals["scheduled"]],
        [200, 200],
        "{totals}"
    );
    let known = known.lock().unwrap();
    assert!(known.given.len() >= 3, "{:?}", known.given);
    let used = known
        .seen
        .keys()
        .filter(|seen| seen.starts_with("Bearer tok-"));
    assert!(used.count() >= 2, "{:?}", known.seen);
}

#[test]
fn a_token_endpoint_that_wants_the_secret_in_the_body_gets_it_there() {
    let known = Shared::default();
    let tokens = tokens(&known, |_, _, body| {
        let good = body.contains("client_id=load&client_secret=s3cret%26more%3D1");
        (!good).then_some(("401 Unauthorized", r#"{"error":"invalid_client"}"#))
    });
    let server = guarded(&known, "");
    let done = run(&format!("{} {} --for 500ms", url(&server), oauth(&tokens)));
    done.assert_stages(&[0]);
    assert_eq!(done.stream().totals()["ok"], 20);
}

#[test]
fn a_token_that_cannot_be_renewed_is_a_warning_and_one_that_cannot_be_had_ends_it_before_the_load()
{
    let known = Shared::default();
    let later = tokens(&known, |n, _, _| {
        (n > 0).then_some(("500 Internal Server Error", "down for a while"))
    });
    let server = guarded(&known, "");
    let done = run(&format!("{} {} --for 3s", url(&server), oauth(&later)));
    done.assert_stages(&[0]);
    let stream = done.stream();
    let warnings = stream.warnings("token_not_renewed");
    assert!(
        !warnings.is_empty()
            && warnings[0]["text"]
                .as_str()
                .unwrap()
                .contains("HTTP 500: down for a while")
    );
    assert_eq!(stream.totals()["ok"], 120);

    let never = tokens(&known, |_, _, _| {
        Some((
            "400 Bad Request",
            r#"{"error":"invalid_scope","error_description":"no such scope"}"#,
        ))
    });
    let page = tokens(&known, |_, _, _| Some(("200 OK", "<html>hello</html>")));
    let bare = Pipeline::new(format!("mcp-gen {} {}", url(&server), oauth(&never))).run();
    bare.assert_stages(&[2]);
    assert!(
        bare.stderr
            .contains("secret is missing: give --oauth-client-secret-file"),
        "{}",
        bare.stderr
    );
    let nobody = "--oauth-token-url http://127.0.0.1:1/token --oauth-client-id load".to_owned();
    for (flags, words) in [
        (oauth(&never), "HTTP 400: invalid_scope, no such scope"),
        (oauth(&page), "no access_token"),
        (nobody, "127.0.0.1:1 was refused"),
        (
            format!("{} --oauth-client-secret-file nowhere", oauth(&page)),
            "cannot read nowhere",
        ),
        (
            format!("{} -H 'authorization: hidden-x'", oauth(&page)),
            "leave one out",
        ),
        (
            "--oauth-token-url http://127.0.0.1:1/token".to_owned(),
            "--oauth-client-id",
        ),
        ("--oauth-scope x".to_owned(), "--oauth-token-url"),
        ("-H @nowhere".to_owned(), "cannot read nowhere"),
        (
            "--header-env Authorization=MCPIPE_NOT_THERE".to_owned(),
            "has no MCPIPE_NOT_THERE",
        ),
    ] {
        let done = run(&format!("{} {flags} --for 1s", url(&server)));
        done.assert_stages(&[2]);
        assert!(done.stderr.contains(words), "{flags}: {}", done.stderr);
    }
}

#[test]
fn headers_of_a_file_and_of_the_environment_are_sent_and_told_to_nobody() {
    let known = Shared::default();
    let server = guarded(&known, "Bearer hidden-1");
    for (flags, before) in [
        (
            "-H @headers",
            "printf '# who we are\\n\\nAuthorization: Bearer hidden-1\\nX-Team: load\\n' > headers",
        ),
        (
            "--header-env Authorization=WHO",
            "export WHO='Bearer hidden-1'",
        ),
    ] {
        let done = Pipeline::new(format!(
            "mcp-gen {} --clients 2 --rate 10/s --connect-for 500ms --warmup 0s --for 500ms {flags}",
            url(&server)
        ))
        .before(before)
        .run();
        done.assert_stages(&[0]);
        assert_eq!(
            done.stream().totals()["ok"],
            10,
            "{}",
            done.stream().totals()
        );
        assert!(!(done.text() + &done.stderr).contains("hidden-1"));
        let args = done.stream().only("mcp-gen", "start")["args"].to_string();
        assert!(
            args.contains("@headers") || args.contains("Authorization=WHO"),
            "{args}"
        );
    }
}

#[test]
fn a_server_that_wants_another_token_is_told_with_what_it_points_to() {
    let known = Shared::default();
    let server = guarded(&known, "");
    let done = run(&format!(
        "{} -H 'Authorization: Bearer hidden-2' --for 1s",
        url(&server)
    ));
    done.assert_stages(&[2]);
    for words in [
        "HTTP 401",
        "https://mcp.example/.well-known/oauth-protected-resource",
    ] {
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    // One that is withdrawn meanwhile.
    known.lock().unwrap().given.push("hidden-3".to_owned());
    let withdrawn = Arc::clone(&known);
    let watch = std::thread::spawn(move || {
        pipe_tests::until("calls come", pipe_tests::PATIENCE, || {
            withdrawn
                .lock()
                .unwrap()
                .seen
                .contains_key("Bearer hidden-3")
        });
        withdrawn.lock().unwrap().given.clear();
    });
    let done = run(&format!(
        "{} -H 'Authorization: Bearer hidden-3' --for 2s",
        url(&server)
    ));
    watch.join().unwrap();
    done.assert_stages(&[0]);
    let stream = done.stream();
    assert!(
        stream.totals()["codes"]["http_401"].as_u64() > Some(0),
        "{}",
        stream.totals()
    );
    assert_eq!(stream.warnings("unauthorized").len(), 1);
}
