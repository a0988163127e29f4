//! Control of a load that goes on: pause, resume and another rate, by whoever may, as docs/openapi.json has it.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::asking::{ask, json, request};
use pipe_tests::{Finished, PATIENCE, Pipeline, Running, Server, Stream, until};
use serde_json::{Value, json as value};
use std::collections::BTreeSet;

const TOKEN: &str = "0123456789abcdef";

/// A generator that can be controlled at the address.
fn start(options: &str) -> (Running, String) {
    let running = Pipeline::new(format!(
        "mcp-gen --connect-for 500ms --interval 100ms --seed 3 -q {options} | tee run.jsonl | mcp-report -q --json report.json"
    ))
    .before(&format!("umask 077; echo {TOKEN} > token"))
    .start();
    running.until_written("run.jsonl", r#""event":"metrics_served""#);
    let text = String::from_utf8(running.folder().read("run.jsonl")).unwrap();
    let (_, rest) = text.split_once(r#""url":"http://"#).unwrap();
    let (address, _) = rest.split_once("/metrics").unwrap();
    let address = address.replace("0.0.0.0", "127.0.0.1");
    (running, address)
}

fn until_began(running: &Running, stage: &str) {
    running.until_written(
        "run.jsonl",
        &format!(r#""stage":"{stage}","state":"began""#),
    );
}

/// Orders something, and waits until the stage has begun that was told.
fn order(running: &Running, address: &str, method: &str, path: &str, body: &str) -> Value {
    let (status, turn) = json(address, method, path, body);
    assert_eq!(status, 202, "{path} {body}: {turn}");
    until_began(running, turn["stage"].as_str().unwrap());
    turn
}

fn stop(running: Running, address: &str) -> (Finished, Stream) {
    assert_eq!(json(address, "POST", "/api/v1/stop", "").0, 202);
    let done = running.finish();
    assert_eq!(done.stages[0], 0, "{}", done.stderr);
    let stream = done.recorded("run.jsonl");
    (done, stream)
}

fn ended(stream: &Stream, stage: &str) -> Value {
    let of = stream.of("stage").into_iter();
    let mut found = of.filter(|s| s["stage"] == stage && s["state"] == "ended");
    found
        .next_back()
        .unwrap_or_else(|| panic!("no {stage}"))
        .clone()
}

/// Calls that were due in a stage, as its intervals and its summary have it.
fn scheduled(stream: &Stream, stage: &str) -> u64 {
    let sum = |kind: &str| -> u64 {
        let own = stream.of(kind).into_iter().filter(|r| r["stage"] == stage);
        own.map(|r| r["scheduled"].as_u64().unwrap_or(0)).sum()
    };
    assert_eq!(sum("interval"), sum("summary"), "{stage}");
    sum("summary")
}

/// The stages between connecting and the drain, in order.
fn load(stream: &Stream) -> Vec<String> {
    let began = stream
        .of("stage")
        .into_iter()
        .filter(|s| s["state"] == "began");
    let names = began.map(|s| s["stage"].as_str().unwrap().to_owned());
    let mut names: Vec<String> = names.filter(|n| n != "connect").collect();
    assert_eq!(names.pop().as_deref(), Some("drain"));
    names
}

#[test]
fn a_load_is_paused_resumed_and_given_another_rate_and_each_stage_has_the_calls_that_it_asked_for()
{
    let server = Server::start(&[]);
    for (url, arrivals) in [(server.ws(), "constant"), (server.http(), "poisson")] {
        let (running, address) = start(&format!(
            "--url {url} --clients 4 --total-rate 200/s --arrivals {arrivals} --warmup 0s --for 60s --metrics-addr :0"
        ));
        running.until_calls("run.jsonl");
        let put = |rate: &str| order(&running, &address, "PUT", "/api/v1/rate", rate);
        let post = |what: &str| order(&running, &address, "POST", &format!("/api/v1/{what}"), "");
        let faster = put(r#"{"rate":"30k/m"}"#);
        assert_eq!(
            [&faster["stage"], &faster["asked_per_s"]],
            [&value!("steady-2"), &value!(500.0)]
        );
        let paused = post("pause");
        assert_eq!(
            [&paused["stage"], &paused["paused"]],
            [&value!("paused-1"), &value!(true)]
        );
        until("the pause is told", PATIENCE, || {
            let (_, status) = json(&address, "GET", "/api/v1/status", "");
            status["paused"] == true && status["asked_per_s"] == 0.0 && status["in_flight"] == 0
        });
        // It stands already; and a rate that is told meanwhile waits for the end of the pause.
        assert_eq!(post("pause"), paused);
        assert_eq!(put(r#"{"rate":300}"#), paused);
        let resumed = post("resume");
        assert_eq!(
            [&resumed["stage"], &resumed["asked_per_s"]],
            [&value!("steady-3"), &value!(300.0)]
        );
        assert_eq!(post("resume"), resumed);
        post("pause");
        post("resume");
        let (done, stream) = stop(running, &address);
        assert_eq!(
            load(&stream),
            [
                "steady", "steady-2", "paused-1", "steady-3", "paused-2", "steady-4"
            ]
        );
        for (stage, per_s) in [
            ("steady", 200.0),
            ("steady-2", 500.0),
            ("paused-1", 0.0),
            ("steady-3", 300.0),
            ("paused-2", 0.0),
        ] {
            let told = ended(&stream, stage);
            assert_eq!(told["asked_per_s"], per_s, "{told}");
            let wanted = per_s * told["planned_us"].as_f64().unwrap() / 1e6;
            let found = scheduled(&stream, stage) as f64;
            // Each client is off by less than a call; Poisson arrivals by 6 standard deviations at most.
            let off = if arrivals == "constant" {
                4.0
            } else {
                6.0 * wanted.sqrt()
            };
            assert!(
                (found - wanted).abs() <= off,
                "{stage}: {found} calls of {wanted}"
            );
        }
        let events: Vec<&str> = stream
            .of("event")
            .iter()
            .map(|e| e["event"].as_str().unwrap())
            .collect();
        assert_eq!(
            events,
            [
                "metrics_served",
                "rate_changed",
                "paused",
                "resumed",
                "paused",
                "resumed"
            ]
        );
        assert!(
            scheduled(&stream, "steady-4") > 0
                || ended(&stream, "steady-4")["planned_us"].as_u64() < Some(200_000)
        );
        let totals = stream.totals();
        let outcomes = totals["errors"]
            .as_object()
            .unwrap()
            .values()
            .map(|n| n.as_u64().unwrap());
        assert_eq!(
            totals["scheduled"].as_u64(),
            Some(totals["ok"].as_u64().unwrap() + outcomes.sum::<u64>())
        );
        let report = done.verdict("report.json");
        assert_eq!(report["verdict"], "NONE");
    }
}

#[test]
fn users_of_the_closed_model_wait_in_a_pause_and_call_again_after_it() {
    let server = Server::start(&[]);
    for think in ["", "--think exp:10ms"] {
        let (running, address) = start(&format!(
            "--url {} --clients 3 --closed {think} --warmup 0s --for 60s --metrics-addr :0",
            server.ws()
        ));
        running.until_calls("run.jsonl");
        order(&running, &address, "POST", "/api/v1/pause", "");
        order(&running, &address, "POST", "/api/v1/resume", "");
        // Records of the last stage come when its first interval is over.
        running.until_written("run.jsonl", r#""type":"interval""#);
        until("calls go on", PATIENCE, || {
            let text = String::from_utf8_lossy(&running.folder().read("run.jsonl")).into_owned();
            let mut lines = text.lines().filter(|l| l.contains(r#""type":"interval""#));
            lines.any(|l| {
                l.contains(r#""stage":"steady-2""#) && l.contains(r#""response":{"count""#)
            })
        });
        let (status, body) = json(&address, "PUT", "/api/v1/rate", r#"{"rate":1}"#);
        assert!(
            status == 409 && body["error"].as_str().unwrap().contains("--closed"),
            "{body}"
        );
        let (_, stream) = stop(running, &address);
        assert_eq!(load(&stream), ["steady", "paused-1", "steady-2"]);
        assert_eq!(scheduled(&stream, "paused-1"), 0);
        assert_eq!(ended(&stream, "paused-1")["asked_per_s"], 0.0);
        assert!(ended(&stream, "steady-2")["asked_per_s"].is_null());
    }
}

#[test]
fn a_pause_lasts_no_longer_than_the_load() {
    let server = Server::start(&[]);
    let (running, address) = start(&format!(
        "--url {} --clients 2 --stages 'rate 100/s for 2s, step 400/s for 1s' --metrics-addr :0",
        server.ws()
    ));
    running.until_calls("run.jsonl");
    order(&running, &address, "POST", "/api/v1/pause", "");
    let done = running.finish();
    done.assert_stages_and_report(&[0, 0], "report.json");
    let stream = done.recorded("run.jsonl");
    assert_eq!(load(&stream), ["step-1", "paused-1"]);
    assert_eq!(stream.only("mcp-gen", "end")["why"], "done");
    let of = |stage: &str| {
        let ended = ended(&stream, stage);
        let begin = ended["start_us"].as_u64().unwrap();
        (begin, begin + ended["planned_us"].as_u64().unwrap())
    };
    assert_eq!(of("step-1").1, of("paused-1").0);
    assert!((of("paused-1").1 - of("step-1").0).abs_diff(3_000_000) <= 2);
}

#[test]
fn a_run_that_is_interrupted_in_a_ramp_says_what_it_had_asked_for_by_then() {
    let server = Server::start(&[]);
    let (running, address) = start(&format!(
        "--url {} --clients 2 --stages 'rate 100..1000/s in 60s, hold 60s' --metrics-addr :0",
        server.ws()
    ));
    running.until_calls("run.jsonl");
    let (_, stream) = stop(running, &address);
    assert_eq!(load(&stream), ["ramp-1"]);
    let ramp = ended(&stream, "ramp-1");
    let seconds = ramp["planned_us"].as_f64().unwrap() / 1e6;
    assert!(seconds < 60.0, "{ramp}");
    let to = ramp["to_per_s"].as_f64().unwrap();
    assert!((to - (100.0 + 15.0 * seconds)).abs() < 0.01, "{ramp}");
    let reached = ramp["reached_per_s"].as_f64().unwrap();
    let summaries = stream.of("summary");
    let ok: f64 = summaries
        .iter()
        .filter(|s| s["stage"] == "ramp-1")
        .filter_map(|s| s["ok_in_stage"].as_f64())
        .sum();
    assert!(
        (reached - ok / seconds).abs() < 0.01 * reached + 0.01,
        "{ramp}: {ok} ok"
    );
}

#[test]
fn all_answers_are_those_of_the_openapi_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let openapi: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut left: BTreeSet<(String, String, u16)> = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                left.insert((method.to_uppercase(), path.clone(), status.parse().unwrap()));
            }
        }
    }
    let mut check =
        |address: &str, method: &str, path: &str, headers: &str, body: &str, status: u16| {
            let (found, text) = ask(address, &request(address, method, path, headers, body));
            assert_eq!(
                found, status,
                "{method} {path} {headers:?} {body:?}: {text}"
            );
            left.remove(&(method.to_owned(), path.to_owned(), status));
            let answer =
                &openapi["paths"][path][method.to_lowercase()]["responses"][status.to_string()];
            if let Some(schema) = answer["content"]
                .get("application/json")
                .map(|c| &c["schema"])
            {
                let mut whole = schema.clone();
                whole["components"] = openapi["components"].clone();
                let body: Value = serde_json::from_str(&text).expect(&text);
                if let Err(e) = jsonschema::validate(&whole, &body) {
                    panic!("{method} {path}: {text}: {e}");
                }
            } else {
                assert_eq!((path, status), ("/metrics", 200), "{answer}");
            }
        };
    let server = Server::start(&[]);
    let load = format!("--url {} --clients 1", server.ws());
    let control = [
        "/api/v1/status",
        "/api/v1/stop",
        "/api/v1/pause",
        "/api/v1/resume",
        "/api/v1/rate",
    ];
    let method_of = |path: &str| match path {
        "/api/v1/status" => "GET",
        "/api/v1/rate" => "PUT",
        _ => "POST",
    };
    let good = r#"{"rate":"20/s"}"#;

    let (running, address) = start(&format!("{load} --rate 10/s --for 60s --metrics-addr :0"));
    running.until_calls("run.jsonl");
    for path in control {
        let page = "origin: http://127.0.0.1\r\n";
        check(&address, method_of(path), path, page, good, 403);
        // No token is wanted here; one that is sent all the same does no harm.
        if path != "/api/v1/stop" {
            let status = if path == "/api/v1/status" { 200 } else { 202 };
            check(
                &address,
                method_of(path),
                path,
                "authorization: Bearer x\r\n",
                good,
                status,
            );
        }
    }
    check(&address, "GET", "/metrics", "", "", 200);
    check(&address, "GET", "/health", "", "", 200);
    for body in ["", "rate=5", r#"{"rate":0}"#, r#"{"rate":"1e12/s"}"#] {
        check(&address, "PUT", "/api/v1/rate", "", body, 400);
    }
    check(&address, "PUT", "/api/v1/rate", "", &"x".repeat(5_000), 413);
    let chunked = format!(
        "PUT /api/v1/rate HTTP/1.1\r\nhost: {address}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    );
    assert_eq!(ask(&address, &chunked).0, 411);
    check(&address, "POST", "/api/v1/stop", "", "", 202);
    assert_eq!(running.finish().stages[0], 0);

    // Elsewhere than on loopback, and with a search that sets the rate itself.
    let (running, address) = start(&format!(
        "{load} --find-knee 'p99 < 10s' --metrics-addr 0.0.0.0:0 --metrics-token-file token"
    ));
    running.until_calls("run.jsonl");
    for path in control {
        check(&address, method_of(path), path, "", good, 401);
        check(
            &address,
            method_of(path),
            path,
            "authorization: Bearer 0123456789abcdeF\r\n",
            good,
            401,
        );
        let bears = format!("authorization: bearer {TOKEN}\r\n");
        if !["/api/v1/status", "/api/v1/stop"].contains(&path) {
            check(&address, method_of(path), path, &bears, good, 409);
        }
    }
    // Whoever knows the token may call the machine as it likes, but is no page all the same.
    let named = format!(
        "GET /api/v1/status HTTP/1.1\r\nhost: load.example\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    );
    assert_eq!(ask(&address, &named).0, 200);
    let page = named.replace("host", "origin: null\r\nhost");
    assert_eq!(ask(&address, &page).0, 403);
    check(
        &address,
        "POST",
        "/api/v1/stop",
        &format!("authorization: Bearer {TOKEN}\r\n"),
        "",
        202,
    );
    let recorded = String::from_utf8(running.folder().read("run.jsonl")).unwrap();
    let done = running.finish();
    assert_eq!(done.stages[0], 0, "{}", done.stderr);
    // The file's name may be seen, what it holds may not.
    assert!(recorded.contains("\"--metrics-token-file\",\"token\"") && !recorded.contains(TOKEN));
    // A chunked body has no place in a request that this test can make with a length.
    left.remove(&("PUT".to_owned(), "/api/v1/rate".to_owned(), 411));
    assert!(left.is_empty(), "never seen: {left:?}");
}

#[test]
fn a_token_that_is_none_is_told_before_the_load() {
    let server = Server::start(&[]);
    for (before, options, variable, words) in [
        (
            "true",
            "--metrics-token-file nowhere",
            "",
            "cannot read the token of nowhere",
        ),
        (
            "echo short > token",
            "--metrics-token-file token",
            "",
            "token: a token has 16 to 1024 characters",
        ),
        (
            "true",
            "",
            "with space within it",
            "METRICS_TOKEN: a token has letters",
        ),
    ] {
        let done = Pipeline::new(format!(
            "mcp-gen --url {} --for 1s --metrics-addr :0 {options}",
            server.ws()
        ))
        .before(before)
        .variable("METRICS_TOKEN", variable)
        .run();
        done.assert_stages(&[2]);
        assert!(done.stderr.contains(words), "{}", done.stderr);
        assert!(!done.stderr.contains("with space"), "{}", done.stderr);
    }
}
