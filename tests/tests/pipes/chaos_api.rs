//! Toxiproxy's API through the binary, with real bytes: proxies of a client's own, and the targets of a pipeline.

use crate::chaos::{LOAD, one};
use pipe_tests::asking::{ask, request};
use pipe_tests::{PATIENCE, Pipeline, Running, Terminal, assert_conserved, until};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

const TOKEN: &str = "0123456789abcdef";

/// Where the API of a pipeline is that records its stream as run.jsonl.
fn api(running: &Running) -> String {
    running.until_written("run.jsonl", r#""event":"api_served""#);
    let text = String::from_utf8(running.folder().read("run.jsonl")).unwrap();
    let (_, rest) = text.split_once(r#""url":"http://"#).unwrap();
    let (address, _) = rest.split_once('"').unwrap();
    address.replace("0.0.0.0", "127.0.0.1")
}

fn call(api: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let (status, text) = ask(api, &request(api, method, path, "", &body));
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A server that says again what it is told, as long as the test lives.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut back = stream.try_clone().unwrap();
                std::io::copy(&mut &stream, &mut back)
            });
        }
    });
    address
}

fn connect(address: &Value) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address.as_str().unwrap())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// There and back, and how long it took.
fn round(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let began = Instant::now();
    stream.write_all(b"ping")?;
    let mut back = [0; 4];
    stream.read_exact(&mut back)?;
    assert_eq!(&back, b"ping");
    Ok(began.elapsed())
}

#[test]
fn alone_it_makes_proxies_breaks_them_and_mends_them_until_a_signal() {
    let running = Pipeline::new("mcp-chaos -q --api 127.0.0.1:0 --seed 7 > run.jsonl").start();
    let api = api(&running);
    let upstream = echo().to_string();
    let new = json!({"name": "echo", "upstream": upstream});
    let (status, proxy) = call(&api, "POST", "/proxies", new);
    assert_eq!(status, 201, "{proxy}");
    let mut stream = connect(&proxy["listen"]).unwrap();
    round(&mut stream).unwrap();

    // A toxic is on connections that there are, and off them again.
    let delay = Duration::from_millis(300);
    let slow = json!({"type": "latency", "attributes": {"latency": 300}});
    assert_eq!(
        call(&api, "POST", "/proxies/echo/toxics", slow.clone()).0,
        200
    );
    assert!(round(&mut stream).unwrap() >= delay);
    let path = "/proxies/echo/toxics/latency_downstream";
    assert_eq!(call(&api, "DELETE", path, Value::Null).0, 204);
    until("the latency is gone", PATIENCE, || {
        round(&mut stream).unwrap() < delay
    });

    // Down: connections end, and nobody gets in. Up again on the same port.
    let set = |enabled: bool| call(&api, "POST", "/proxies/echo", json!({"enabled": enabled}));
    assert_eq!(set(false).1["enabled"], false);
    assert!(round(&mut stream).is_err());
    let refused = connect(&proxy["listen"]).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(set(true).1["listen"], proxy["listen"]);
    round(&mut connect(&proxy["listen"]).unwrap()).unwrap();

    // A reset takes all toxics, and opens what is down.
    let hole = json!({"name": "hole", "type": "bandwidth", "attributes": {"rate": 0}});
    assert_eq!(call(&api, "POST", "/proxies/echo/toxics", hole).0, 200);
    assert_eq!(set(false).0, 200);
    assert_eq!(call(&api, "POST", "/reset", Value::Null).0, 204);
    let (_, after) = call(&api, "GET", "/proxies/echo", Value::Null);
    assert_eq!(
        (&after["enabled"], &after["toxics"]),
        (&json!(true), &json!([]))
    );
    let mut kept = connect(&proxy["listen"]).unwrap();
    round(&mut kept).unwrap();

    // To populate twice is as good as once: who is connected stays.
    let all = json!([
        {"name": "echo", "listen": "127.0.0.1:0", "upstream": upstream},
        {"name": "more", "listen": "127.0.0.1:0", "upstream": upstream},
    ]);
    let (status, first) = call(&api, "POST", "/populate", all.clone());
    assert_eq!(status, 201, "{first}");
    assert_eq!(call(&api, "POST", "/populate", all), (201, first));
    round(&mut kept).unwrap();
    assert_eq!(call(&api, "DELETE", "/proxies/more", Value::Null).0, 204);

    // What is still applied at the end is taken back, and said to be.
    assert_eq!(call(&api, "POST", "/proxies/echo/toxics", slow).0, 200);
    running.signal_one(running.stage("mcp-chaos"), libc::SIGTERM);
    let done = running.finish();
    done.assert_stages(&[128 + libc::SIGTERM]);
    let stream = done.recorded("run.jsonl");
    let faults = stream.from("mcp-chaos", "fault");
    let told: Vec<String> = faults
        .iter()
        .map(|f| format!("{} {} {}", f["id"], f["kind"], f["state"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "api-1 latency began",
            "api-1 latency ended",
            "api-2 down began",
            "api-2 down ended",
            "api-3 partition began",
            "api-4 down began",
            "api-3 partition ended",
            "api-4 down ended",
            "api-5 latency began",
            "api-5 latency ended",
        ]
    );
    assert_eq!(faults[0]["targets"], json!(["echo"]));
    assert_eq!(faults[0]["parameters"]["latency_us"], 300_000);
    assert!(faults[1]["counts"]["chunks_delayed"].as_u64() >= Some(1));
    let end = stream.from("mcp-chaos", "end");
    assert_eq!(end[0]["why"], "interrupted");
}

#[test]
fn in_a_pipeline_the_targets_are_its_proxies_and_faults_of_the_plan_stay() {
    let running = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-chaos -q --api 127.0.0.1:0 bandwidth:name=local-1,rate=10MB/s@500ms+6s --seed 7 \
         | mcp-gen {LOAD} --for 8s > run.jsonl"
    ))
    .start();
    let api = api(&running);
    running.until_written("run.jsonl", r#""id":"f1","state":"began""#);
    let (_, all) = call(&api, "GET", "/proxies", Value::Null);
    let names: Vec<&String> = all.as_object().unwrap().keys().collect();
    assert_eq!(names, ["local-1", "local-2"]);
    let toxic = &all["local-1"]["toxics"][0];
    assert_eq!(
        (&toxic["name"], &toxic["attributes"]["rate"]),
        (&json!("f1"), &json!(10_000))
    );
    let plan = "/proxies/local-1/toxics/f1";
    assert_eq!(call(&api, "DELETE", plan, Value::Null).0, 409);
    assert_eq!(call(&api, "DELETE", "/proxies/local-1", Value::Null).0, 409);

    running.until_calls("run.jsonl");
    let slow = json!({"name": "slow", "type": "latency", "attributes": {"latency": 400}});
    let (status, made) = call(&api, "POST", "/proxies/local-2/toxics", slow);
    assert_eq!(status, 200, "{made}");
    let slowed = |row: &Value| {
        row["target"] == "local-2" && row["response"]["p50_us"].as_u64() >= Some(390_000)
    };
    until("calls of local-2 are slow", PATIENCE, || {
        let bytes = running.folder().read("run.jsonl");
        let text = String::from_utf8_lossy(&bytes);
        let rows = text.lines().filter(|l| l.contains(r#""type":"interval""#));
        rows.filter_map(|l| serde_json::from_str(l).ok())
            .any(|row| slowed(&row))
    });
    assert_eq!(call(&api, "POST", "/reset", Value::Null).0, 204);
    let done = running.finish();
    done.assert_stages(&[0, 0, 0]);
    let stream = done.recorded("run.jsonl");
    assert_conserved(&stream);
    let began = one(&stream, "api-1", "began");
    assert_eq!(began["targets"], json!(["local-2"]));
    assert!(began["t_us"].as_i64() > Some(0), "{began}");
    let ended = one(&stream, "f1", "ended");
    let reset = one(&stream, "api-1", "ended")["t_us"].as_i64();
    assert!(ended["t_us"].as_i64() > reset, "a reset is not for it");
    let others = stream.of("interval").into_iter();
    let mut others = others.filter(|r| r["target"] == "local-1" && !r["response"].is_null());
    assert!(others.all(|r| r["response"]["p50_us"].as_u64() < Some(390_000)));
}

#[test]
fn elsewhere_than_on_loopback_it_wants_a_token() {
    let done = Pipeline::new("mcp-chaos -q --api 0.0.0.0:0").run();
    done.assert_stages(&[2]);
    assert!(done.stderr.contains("--api-token-file"), "{}", done.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let done = Pipeline::new(format!("mcp-chaos -q --api {address}")).run();
    done.assert_stages(&[2]);
    assert!(done.stderr.contains("another --api"), "{}", done.stderr);

    let running = Pipeline::new("mcp-chaos -q --api 0.0.0.0:0 --api-token-file token > run.jsonl")
        .before(&format!("umask 077; echo {TOKEN} > token"))
        .start();
    let api = api(&running);
    for (headers, status) in [
        ("", 401),
        ("authorization: Bearer 0123456789abcdeX\r\n", 401),
        ("authorization: Bearer 0123456789abcdef\r\n", 200),
    ] {
        let found = ask(&api, &request(&api, "GET", "/proxies", headers, ""));
        assert_eq!(found.0, status, "{headers}: {}", found.1);
    }
    running.signal_one(running.stage("mcp-chaos"), libc::SIGINT);
    running.finish().assert_stages(&[128 + libc::SIGINT]);
}

#[test]
fn at_a_terminal_it_waits_for_no_line() {
    let terminal = Terminal::open();
    let running = Pipeline::new("mcp-chaos -q --api 127.0.0.1:0 > run.jsonl").start_in(&terminal);
    let api = api(&running);
    assert_eq!(call(&api, "GET", "/proxies", Value::Null), (200, json!({})));
    running.signal_one(running.stage("mcp-chaos"), libc::SIGTERM);
    running.finish().assert_stages(&[128 + libc::SIGTERM]);
}
