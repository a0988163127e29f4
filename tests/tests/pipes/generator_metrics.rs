//! Metrics of mcp-gen while it runs: what a scrape sees is what the stream's intervals add up to, and nobody but a tool on
//! this machine may end the run.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::asking::ask;
use pipe_tests::{Finished, PATIENCE, Pipeline, Running, Server, Stream, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A generator that makes these calls and then goes on without any, and the address of its metrics.
fn start(options: &str, variables: &[(&str, &str)]) -> (Running, String) {
    let run = Pipeline::new(format!(
        "mcp-gen --connect-for 500ms --interval 100ms --seed 3 -q {options} | tee run.jsonl | mcp-report -q --json report.json"
    ));
    let running = variables
        .iter()
        .fold(run, |run, (name, value)| run.variable(name, value))
        .start();
    running.until_written("run.jsonl", r#""event":"metrics_served""#);
    let stream = so_far(&running);
    let url = stream
        .of("event")
        .iter()
        .find_map(|e| e["url"].as_str().map(str::to_owned));
    let url = url.expect("an event says where metrics are");
    let address = url.strip_prefix("http://").unwrap();
    (
        running,
        address.strip_suffix("/metrics").unwrap().to_owned(),
    )
}

/// All whole lines of the stream.
fn so_far(running: &Running) -> Stream {
    let bytes = running.folder().read("run.jsonl");
    let whole = bytes
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    Stream::parse(&bytes[..whole])
}

fn get(address: &str, path: &str) -> (u16, String) {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
    )
}

fn scrape(address: &str) -> BTreeMap<String, f64> {
    let (status, text) = get(address, "/metrics");
    assert_eq!(status, 200, "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect(line);
            (series.to_owned(), value.parse().expect(line))
        })
        .collect()
}

fn status(address: &str) -> Value {
    let (status, body) = get(address, "/api/v1/status");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Stops the run, and waits for its end.
fn stop(running: Running, address: &str) -> Finished {
    let post = format!(
        "POST /api/v1/stop HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    assert_eq!(ask(address, &post).0, 202);
    running.finish()
}

/// What the intervals say, under the names that metrics have.
fn expected(stream: &Stream) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for i in stream.of("interval") {
        let (profile, method) = (
            i["profile"].as_str().unwrap(),
            i["method"].as_str().unwrap(),
        );
        let mut add = |series: String, n: &Value| {
            if let Some(n) = n.as_f64() {
                *sums.entry(series).or_default() += n;
            }
        };
        let of = format!("client_type=\"{profile}\"");
        add(
            format!("mcp_client_schedule_lag_ms_count{{{of}}}"),
            &i["lag"]["count"],
        );
        if method == "connect" {
            add(
                format!("mcp_client_connect_failures_total{{{of}}}"),
                &i["connect_failures"],
            );
            add(
                format!("mcp_client_connect_duration_ms_count{{{of}}}"),
                &i["connect"]["count"],
            );
            continue;
        }
        let row = format!("{of},method=\"{method}\"");
        add(
            format!("mcp_client_messages_sent_total{{{of},message_type=\"{method}\"}}"),
            &i["sent"],
        );
        add(
            format!("mcp_client_requests_total{{{row},status=\"ok\"}}"),
            &i["ok"],
        );
        for (latency, status) in [("response", "ok"), ("failed", "error")] {
            let (name, of) = (
                "mcp_client_request_duration_ms",
                format!("{row},status=\"{status}\""),
            );
            let count = &i[latency]["count"];
            add(format!("{name}_count{{{of}}}"), count);
            add(format!("{name}_bucket{{{of},le=\"+Inf\"}}"), count);
            // No call takes a minute here.
            add(format!("{name}_bucket{{{of},le=\"60000\"}}"), count);
        }
        for (class, n) in i["errors"].as_object().into_iter().flatten() {
            add(
                format!("mcp_client_requests_total{{{row},status=\"{class}\"}}"),
                n,
            );
            if !["cancelled", "input_required", "shed"].contains(&class.as_str()) {
                add(
                    format!("mcp_client_messages_errors_total{{{of},error_type=\"{class}\"}}"),
                    n,
                );
            }
        }
    }
    sums
}

#[test]
fn metrics_are_what_the_intervals_add_up_to() {
    let server = Server::start(&["--error-rate", "20%"]);
    for url in [server.ws(), server.http()] {
        let (running, address) = start(
            &format!(
                "--url {url} --clients 4 --stages 'rate 300/s for 1s, step 0/s for 60s' --metrics-addr 127.0.0.1:0"
            ),
            &[],
        );
        assert_eq!(
            get(&address, "/health"),
            (200, r#"{"status":"ok"}"#.to_owned())
        );
        running.until_written("run.jsonl", r#""stage":"step-2","state":"began""#);
        let mut last = (BTreeMap::new(), BTreeMap::new());
        // What is in flight when the calls end comes an interval later.
        until("metrics and intervals agree", PATIENCE, || {
            let stream = so_far(&running);
            let wanted = expected(&stream);
            let found = scrape(&address);
            let intervals = stream.of("interval").into_iter();
            let due: f64 = intervals.filter_map(|i| i["scheduled"].as_f64()).sum();
            let done: f64 = wanted
                .iter()
                .filter(|(series, _)| series.starts_with("mcp_client_requests_total"))
                .map(|(_, n)| n)
                .sum();
            let equal = wanted
                .iter()
                .all(|(series, n)| *n == 0.0 || found.get(series) == Some(n));
            last = (wanted, found);
            equal && done > 0.0 && done == due
        });
        let (wanted, found) = last;
        let errors = wanted
            .keys()
            .any(|s| s.starts_with("mcp_client_messages_errors_total"));
        assert!(errors, "{wanted:#?}");
        let profile = r#"client_type="normal""#;
        let timeouts =
            format!("mcp_client_messages_errors_total{{{profile},error_type=\"timeout\"}}");
        assert_eq!(
            found.get(&timeouts),
            Some(&0.0),
            "a class that has not come"
        );
        let connections = found[&format!("mcp_client_connections_active{{{profile}}}")];
        assert!(connections >= 4.0, "{connections}");
        // No series that the stream does not know of.
        for series in found
            .keys()
            .filter(|s| s.contains("_total") || s.contains("_count"))
        {
            let is_class = series.starts_with("mcp_client_messages_errors_total");
            let may_be = is_class && found[series] == 0.0;
            assert!(
                may_be || wanted.contains_key(series),
                "{series} is in no interval"
            );
        }
        let buckets: Vec<f64> = found
            .iter()
            .filter(|(s, _)| s.starts_with("mcp_client_connect_duration_ms_bucket"))
            .map(|(_, n)| *n)
            .collect();
        assert_eq!(buckets.len(), 31);

        let status = status(&address);
        assert_eq!(status["stage"], "step-2");
        assert_eq!(status["asked_per_s"], 0.0);
        assert_eq!([&status["in_flight"], &status["waiting"]], [0, 0]);
        assert_eq!(status["stopping"], false);
        let errors: u64 = status["errors"]
            .as_object()
            .unwrap()
            .values()
            .map(|n| n.as_u64().unwrap())
            .sum();
        assert_eq!(
            status["scheduled"].as_u64(),
            Some(status["ok"].as_u64().unwrap() + errors)
        );
        assert_eq!(
            status["run"],
            so_far(&running).only("mcp-gen", "start")["run"]
        );

        let done = stop(running, &address);
        assert_eq!(done.stages[0], 0, "{}", done.stderr);
        let stream = done.recorded("run.jsonl");
        assert_eq!(stream.only("mcp-gen", "end")["why"], "stopped");
        assert_eq!(stream.totals()["ok"], status["ok"]);
        // It is no whole run, and is not judged as one.
        assert_eq!(done.verdict("report.json")["verdict"], "NONE");
    }
}

#[test]
fn only_a_tool_on_this_machine_may_end_the_run() {
    let server = Server::start(&[]);
    let options = format!("--url {} --clients 2 --rate 5/s --for 60s", server.ws());
    let (running, address) = start(
        &options,
        &[("METRICS_PORT", "0"), ("METRICS_ENABLED", "true")],
    );
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    for (head, wanted) in [
        (
            "POST /api/v1/stop HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n\r\n",
            403,
        ),
        (
            "POST /api/v1/stop HTTP/1.1\r\nhost: evil.example\r\n\r\n",
            403,
        ),
        ("POST /api/v1/stop HTTP/1.1\r\n\r\n", 403),
        (
            "GET /api/v1/status HTTP/1.1\r\nhost: evil.example\r\n\r\n",
            403,
        ),
        ("GET /api/v1/stop HTTP/1.1\r\nhost: localhost\r\n\r\n", 405),
        ("POST /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 404),
        ("nonsense\r\n\r\n", 400),
        // A metrics server may go by any name.
        ("GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n", 200),
    ] {
        let (status, body) = ask(&address, head);
        assert_eq!(status, wanted, "{head:?}: {body}");
    }
    let long = format!("GET /metrics HTTP/1.1\r\nhost: {}", "x".repeat(9_000));
    assert_eq!(ask(&address, &long).0, 431);
    assert_eq!(status(&address)["stopping"], false);
    let done = stop(running, &address);
    assert_eq!(
        done.recorded("run.jsonl").only("mcp-gen", "end")["why"],
        "stopped"
    );
}

#[test]
fn connections_that_say_nothing_do_not_hold_the_load_up_or_last() {
    let server = Server::start(&[]);
    let options = format!(
        "--url {} --clients 2 --rate 20/s --for 60s --metrics-addr :0",
        server.ws()
    );
    let (running, address) = start(&options, &[]);
    let idle: Vec<TcpStream> = (0..40)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    running.until_calls("run.jsonl");
    // Those beyond the limit were closed at once; the others are when their time is over, and there is room again.
    until("a scrape is answered", PATIENCE, || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\n\r\n");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.1 200")
    });
    drop(idle);
    let done = stop(running, &address);
    assert_eq!(
        done.recorded("run.jsonl").only("mcp-gen", "end")["why"],
        "stopped"
    );
}

#[test]
fn off_loopback_there_are_metrics_and_no_control() {
    let server = Server::start(&[]);
    let options = format!(
        "--url {} --clients 1 --rate 20/s --warmup 0s --for 4s --metrics-addr 0.0.0.0:0",
        server.ws()
    );
    let (running, address) = start(&options, &[]);
    let address = address.replace("0.0.0.0", "127.0.0.1");
    assert_eq!(get(&address, "/health").0, 200);
    assert_eq!(get(&address, "/metrics").0, 200);
    let (status, body) = get(&address, "/api/v1/status");
    assert!(
        status == 403 && body.contains("loopback"),
        "{status} {body}"
    );
    assert_eq!(
        ask(
            &address,
            "POST /api/v1/stop HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        )
        .0,
        403
    );
    let done = running.finish();
    assert_eq!(
        done.recorded("run.jsonl").only("mcp-gen", "end")["why"],
        "done"
    );
}

#[test]
fn an_address_that_cannot_be_had_is_told_before_the_load() {
    let server = Server::start(&[]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let port = taken.port().to_string();
    for (flags, variables, words) in [
        (
            format!("--metrics-addr {taken}"),
            vec![],
            "cannot serve metrics",
        ),
        (
            "--metrics-addr example.org:80".to_owned(),
            vec![],
            "write it as 127.0.0.1:8888",
        ),
        (
            String::new(),
            vec![("METRICS_PORT", port.as_str())],
            "cannot serve metrics",
        ),
        (
            String::new(),
            vec![("METRICS_PORT", "http")],
            "METRICS_PORT",
        ),
        (
            String::new(),
            vec![("METRICS_ENABLED", "perhaps")],
            "METRICS_ENABLED",
        ),
    ] {
        let run = Pipeline::new(format!("mcp-gen --url {} --for 1s {flags}", server.ws()));
        let done = variables
            .iter()
            .fold(run, |run, (name, value)| run.variable(name, value))
            .run();
        done.assert_stages(&[2]);
        assert!(
            done.stderr.contains(words),
            "{flags} {variables:?}: {}",
            done.stderr
        );
    }
    // Where it is said that there shall be none, the port is not looked at.
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --clients 1 --for 200ms --connect-for 200ms -q",
        server.ws()
    ));
    let run = run
        .variable("METRICS_PORT", &port)
        .variable("METRICS_ENABLED", "false");
    run.run().assert_stages(&[0]);
}
