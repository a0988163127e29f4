//! Whatever stands in the way: a sentence that says what happened and what to do, exit 2 or a counted class, no hang.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    Finished, Hostile, Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up,
};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const LOAD: &str = "--clients 2 --rate 20/s --for 1s --warmup 0s --connect-for 500ms";

#[track_caller]
fn assert_says(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

/// The sentence with which `tool` gave up: in its `fatal` warning, on its stderr, and before an `end` with status 2.
#[track_caller]
fn given_up(done: &Finished, stream: &Stream, tool: &str) -> String {
    let fatal: Vec<&Value> = stream
        .from(tool, "warning")
        .into_iter()
        .filter(|w| w["code"] == "fatal")
        .collect();
    assert_eq!(fatal.len(), 1, "{fatal:?}\n{}", done.stderr);
    let text = fatal[0]["text"].as_str().unwrap().to_owned();
    assert_says(&done.stderr, &[&format!("{tool}: {text}")]);
    assert_eq!(stream.only(tool, "end")["why"], "failed");
    assert_eq!(stream.only(tool, "end")["exit"], 2);
    text
}

/// mcp-gen by itself with these flags gives up with a sentence that holds these words.
#[track_caller]
fn refuses(flags: &str, words: &[&str]) {
    let done = Pipeline::new(format!("mcp-gen {LOAD} {flags}")).run();
    done.assert_stages(&[2]);
    let stream = done.stream();
    assert_says(&given_up(&done, &stream, "mcp-gen"), words);
    assert!(
        stream.of("interval").is_empty(),
        "no load on a server that was not met"
    );
}

/// The pipeline from `mcp-deploy attach` gives up at its first stage, and mcp-report repeats why.
#[track_caller]
fn attach_refuses(flags: &str, words: &[&str]) {
    let done = Pipeline::new(format!(
        "mcp-deploy attach {flags} | mcp-gen {LOAD} | tee run.jsonl | mcp-report --format json --json report.json"
    ))
    .run();
    done.assert_stages(&[2, 2, 0, 2]);
    let text = given_up(&done, &done.recorded("run.jsonl"), "mcp-deploy");
    assert_says(&text, words);
    assert_says(&done.stderr, &[&format!("mcp-report: mcp-deploy: {text}")]);
    let report = done.verdict("report.json");
    assert_eq!(report["verdict"], "NONE");
    let reasons = report["reasons"].as_array().unwrap();
    assert_says(reasons[0].as_str().unwrap(), words);
}

/// A server that sends this to whoever asks.
fn always(answer: &'static str) -> Hostile {
    Hostile::listen(move |mut stream, _| {
        while Hostile::request(&mut stream).is_some() {
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn at(server: &Hostile, scheme: &str) -> String {
    format!("{scheme}://127.0.0.1:{}/mcp", server.port())
}

/// The URL of a port on which nobody listens: bound, and so nobody else's.
fn nobody() -> (rustix::fd::OwnedFd, String) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(
        &socket,
        &"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap(),
    )
    .unwrap();
    let address = std::net::SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
    (socket, format!("http://{address}/mcp"))
}

#[test]
fn a_wrong_path_is_told_with_the_usual_one() {
    let server = Server::start(&[]);
    let (http, ws) = (
        server.http().replace("/mcp", "/nope"),
        server.ws().replace("/mcp", "/nope"),
    );
    let words = ["/nope", "404", "path may be wrong", "/mcp"];
    refuses(&format!("--url {http}"), &words);
    attach_refuses(&http, &words);
    let words = ["/nope", "404", "check the path"];
    refuses(&format!("--url {ws}"), &words);
    attach_refuses(&ws, &words);
}

#[test]
fn a_port_where_nobody_listens_is_told_with_what_to_check() {
    let (_bound, url) = nobody();
    let address = url["http://".len()..].trim_end_matches("/mcp");
    let words = [address, "refused", "check that the server runs"];
    refuses(&format!("--url {url}"), &words);
    attach_refuses(&url, &words);
}

#[test]
fn a_name_without_an_address_is_told() {
    let words = [
        "\"no-such-host.invalid\"",
        "cannot be resolved",
        "check the URL",
    ];
    refuses("--url http://no-such-host.invalid/mcp", &words);
    attach_refuses("ws://no-such-host.invalid/mcp", &words);
}

#[test]
fn what_the_machine_or_the_arguments_cannot_be_is_told_before_the_load() {
    for (flags, words) in [
        (
            "--source-address 127.0.0.1,203.0.113.7",
            ["203.0.113.7 is no address of this machine", "`ip address`"],
        ),
        ("--payload 1048577", ["1MiB) at most", "--args"]),
        ("--timeout 0s", ["profile normal is 0", "--timeout 10s"]),
        (
            "--oauth-token-url http://127.0.0.1:1/token --oauth-client-id me",
            ["secret is missing", "OAUTH_CLIENT_SECRET"],
        ),
    ] {
        // An empty variable is as good as none.
        let done = Pipeline::new(format!("mcp-gen {LOAD} --url ws://127.0.0.1:1/mcp {flags}"))
            .variable("OAUTH_CLIENT_SECRET", "")
            .run();
        done.assert_stages(&[2]);
        assert_says(&done.stderr, &words);
        assert!(done.stdout.is_empty(), "{}", done.text());
    }
    let server = Server::start(&[]);
    let done = Pipeline::new(format!(
        "mcp-gen {LOAD} --url {} --source-address ::1",
        server.ws()
    ))
    .run();
    done.assert_stages(&[2]);
    assert_says(&done.stderr, &["::1 is of IPv6", "the server of IPv4"]);
}

const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 43\r\n\r\n\
                    <html><head><title>It works</title></html>\n";
const NO_POST: &str = "HTTP/1.0 501 Unsupported method\r\nContent-Type: text/html\r\nContent-Length: 48\r\n\r\n\
                       <html><head><title>Error response</title></html>";

#[test]
fn a_web_server_that_speaks_no_mcp_is_told_by_what_it_says() {
    let words = ["not in MCP", "check host, port and path"];
    let (page, no_post) = (always(PAGE), always(NO_POST));
    refuses(
        &format!("--url {}", at(&page, "http")),
        &[&words[..], &["It works"]].concat(),
    );
    refuses(
        &format!("--url {}", at(&no_post, "http")),
        &[&words[..], &["501", "Error response"]].concat(),
    );
    attach_refuses(&at(&page, "http"), &words);
    let words = [
        "refuses the upgrade to WebSocket",
        "HTTP 200",
        "use http://",
    ];
    refuses(&format!("--url {}", at(&page, "ws")), &words);
    attach_refuses(&at(&page, "ws"), &words);
}

#[test]
fn a_websocket_url_to_a_server_of_streamable_http_only_is_told() {
    let only_http =
        always("HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n");
    refuses(
        &format!("--url {}", at(&only_http, "ws")),
        &[
            "refuses the upgrade to WebSocket",
            "405",
            "use http:// if it speaks Streamable HTTP",
        ],
    );
}

#[test]
fn a_server_that_closes_at_once_is_told() {
    let closes = Hostile::listen(|stream, _| drop(stream));
    let words = ["closed the connection without an answer", "check the port"];
    for scheme in ["http", "ws"] {
        refuses(&format!("--url {}", at(&closes, scheme)), &words);
    }
    attach_refuses(&at(&closes, "http"), &words);
}

#[test]
fn a_server_that_never_answers_is_told_after_the_timeout() {
    let mute =
        Hostile::listen(|mut stream: TcpStream, _| drop(stream.read_to_end(&mut Vec::new())));
    let words = ["no answer", "within 1 s", "--timeout"];
    refuses(&format!("--timeout 1s --url {}", at(&mute, "http")), &words);
    let ws = [&words[..], &["--ws-append-newline"]].concat();
    refuses(&format!("--timeout 1s --url {}", at(&mute, "ws")), &ws);
    attach_refuses(&format!("--timeout 1s {}", at(&mute, "http")), &words);
}

#[test]
fn another_protocol_on_the_port_is_told() {
    let ssh = Hostile::listen(|mut stream: TcpStream, _| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    refuses(
        &format!("--url {}", at(&ssh, "http")),
        &["does not speak HTTP", "SSH-2.0", "check the port"],
    );
}

#[test]
fn a_host_that_is_refused_is_told_with_the_flag() {
    let server = Server::start(&[]);
    let words = ["\"mcp.example\"", "HTTP 421", "--host-header"];
    for url in [server.http(), server.ws()] {
        refuses(&format!("--url {url} --host-header mcp.example"), &words);
        attach_refuses(&format!("{url} --host-header mcp.example"), &words);
    }
    // And with a server that knows it, the same flag helps.
    let server = Server::start(&["--allow-host", "mcp.example"]);
    Pipeline::new(format!(
        "mcp-deploy attach {} --host-header mcp.example | mcp-gen {LOAD} | tee run.jsonl",
        server.http()
    ))
    .run()
    .assert_stages(&[0, 0, 0]);
}

#[test]
fn a_server_that_wants_a_token_is_told_with_the_flag() {
    let closed = always(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n",
    );
    let words = ["HTTP 401", "--header 'Authorization: Bearer"];
    for scheme in ["http", "ws"] {
        refuses(&format!("--url {}", at(&closed, scheme)), &words);
    }
    attach_refuses(&at(&closed, "http"), &words);
}

#[test]
fn urls_that_cannot_be_are_told_with_how_to_write_them() {
    refuses(
        "--url ftp://127.0.0.1/mcp",
        &["`ftp`", "use ws, wss, http, https"],
    );
    refuses(
        "--url 127.0.0.1:5555",
        &["no scheme", "ws://127.0.0.1:5555"],
    );
    let done = Pipeline::new("mcp-gen --for 1s").run();
    done.assert_stages(&[2]);
    assert_says(&done.stderr, &["no target", "--url", "mcp-deploy"]);
    let done = Pipeline::new("printf '' | mcp-gen --for 1s").run();
    done.assert_stages(&[0, 2]);
    assert_says(&done.stderr, &["no target came on stdin", "--url"]);
}

#[test]
fn an_unknown_era_is_a_usage_error_that_lists_those_there_are() {
    let done =
        Pipeline::new("mcp-gen --url http://127.0.0.1:1/mcp --protocol modren | mcp-report").run();
    done.assert_stages(&[2, 2]);
    assert_says(
        &done.stderr,
        &["modren", "--protocol", "auto, legacy, modern", "2025-11-25"],
    );
    assert_says(&done.stderr, &["mcp-report: no generator in the stream"]);
}

/// `attach` finds the server well, so it is mcp-gen's sentence that mcp-report repeats.
#[test]
fn a_tool_that_does_not_exist_is_told_with_those_that_do() {
    let server = Server::start(&[]);
    for flag in ["--tool ehco", "--skip-tool ehco", "--args 'ehco={}'"] {
        let done = Pipeline::new(format!(
            "mcp-deploy attach {} | mcp-gen {LOAD} {flag} | tee run.jsonl | mcp-report",
            server.http()
        ))
        .run();
        done.assert_stages(&[0, 2, 0, 2]);
        let text = given_up(&done, &done.recorded("run.jsonl"), "mcp-gen");
        assert_says(
            &text,
            &[
                "\"ehco\"",
                "echo, add, slow",
                flag.split(' ').next().unwrap(),
            ],
        );
        assert_says(&done.stderr, &[&format!("mcp-report: mcp-gen: {text}")]);
    }
}

/// The outcomes of a report's measured stages, by class.
fn errors(report: &Value) -> std::collections::BTreeMap<String, u64> {
    let errors = report["report"]["errors"].as_array().unwrap();
    let class = |e: &Value| {
        (
            e["class"].as_str().unwrap().to_owned(),
            e["calls"].as_u64().unwrap(),
        )
    };
    errors.iter().map(class).collect()
}

#[test]
fn one_of_two_servers_down_is_a_report_with_its_calls_counted_and_no_failure() {
    let server = Server::start(&[]);
    let (_bound, dead) = nobody();
    let done = Pipeline::new(format!(
        "mcp-deploy attach --no-check {} {dead} | mcp-gen {LOAD} | tee run.jsonl | mcp-report --format json --json report.json",
        server.http()
    ))
    .run();
    assert!(
        matches!(done.stages[..], [0, 0, 0, 0 | 3]),
        "{:?} {}",
        done.stages,
        done.stderr
    );
    let stream = done.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    let report = done.verdict("report.json");
    let stage = &report["report"]["stages"][0];
    let targets = stage["targets"].as_array().unwrap();
    let of = |name: &str| targets.iter().find(|t| t["target"] == name).unwrap();
    let (up, down) = (of("attached-1"), of("attached-2"));
    assert!(up["scheduled"].as_u64().unwrap() >= 19, "{up}");
    assert_eq!(up["ok"], up["scheduled"], "{up}");
    assert_eq!(
        (&down["ok"], &down["errors"]["connect_failed"]),
        (&Value::from(0), &down["scheduled"])
    );
    assert_eq!(
        errors(&report).keys().collect::<Vec<_>>(),
        ["connect_failed"]
    );
    // Who it is, what happened, what is done about it.
    assert_says(
        &done.stderr,
        &[
            "mcp-gen: attached-2:",
            "refused",
            "its calls fail until it answers",
        ],
    );
    // Asked first, attach says so, and with which flag it goes on all the same.
    attach_refuses(
        &format!("{} {dead}", server.http()),
        &["attached-2", "refused", "--no-check"],
    );
}

#[test]
fn a_server_that_dies_in_the_middle_is_counted_by_class_and_fails_the_gate_and_nothing_else() {
    for scheme in ["http", "ws"] {
        let mut server = Server::start(&["--latency", "100ms"]);
        let url = server.http().replacen("http", scheme, 1);
        let running = Pipeline::new(format!(
            "mcp-deploy attach {url} | mcp-gen --clients 4 --rate 20/s --for 3s --warmup 0s --connect-for 500ms | tee run.jsonl | mcp-report --format json --json report.json --fail-if 'error_rate > 1%'"
        ))
        .start();
        running.until_load("run.jsonl");
        // At least one answer, so that there is something that stood before it fell.
        running.until_written("run.jsonl", r#""stage":"steady","profile""#);
        server.kill();
        let done = running.finish();
        assert!(
            matches!(done.stages[..], [0, 0, 0, 1 | 3]),
            "{:?} {}",
            done.stages,
            done.stderr
        );
        let stream = done.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        let report = done.verdict("report.json");
        let total = &report["report"]["stages"][0]["total"];
        assert!(total["ok"].as_u64().unwrap() > 0, "{total}");
        let errors = errors(&report);
        for class in ["connection_closed", "connect_failed"] {
            assert!(
                errors.get(class).is_some_and(|n| *n > 0),
                "{scheme}: {class} in {errors:?}"
            );
        }
        assert_eq!(errors.len(), 2, "{scheme}: {errors:?}");
        let gate = &report["gates"][0];
        assert_eq!(gate["state"], "fail", "{gate}");
    }
}
