//! `local`: what it writes, and that its servers come back.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use std::net::TcpListener;
use std::process::Stdio;

use common::{BINARY, Deploy, Folder, pid, runs, signal, until};
use rustix::process::Signal;
use serde_json::Value;

/// The last two records of a run that fails at its start: `warning` and `end`, after exit 2.
fn failure(arguments: &[&str]) -> (String, Value) {
    let folder = Folder::new();
    let output = folder.command(arguments).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    let records: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [start, .., warning, end] = records.as_slice() else {
        panic!("{stdout}");
    };
    assert_eq!(
        (start["type"].as_str(), warning["code"].as_str()),
        (Some("start"), Some("fatal"))
    );
    until("nothing is left", || folder.journals() == 0);
    let text = warning["text"].as_str().unwrap().to_owned();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains(&text),
        "people are told the same"
    );
    (text, end.clone())
}

#[test]
fn the_stream_is_start_then_targets_in_order_then_ready() {
    let mut deploy = Deploy::start(&["local", "--replicas", "3", "--transport", "ws"]);
    let records = deploy.until("ready");
    let kinds: Vec<_> = records
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["start", "target", "target", "target", "ready"]);
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["v"], 1);
        assert_eq!(record["seq"], index);
        assert_eq!(record["run"], records[0]["run"]);
    }
    for (index, target) in records[1..4].iter().enumerate() {
        assert_eq!(target["name"], format!("local-{}", index + 1));
        assert_eq!(
            (target["transport"].as_str(), target["state"].as_str()),
            (Some("ws"), Some("up"))
        );
        let url = target["url"].as_str().unwrap();
        let address = url
            .strip_prefix("ws://")
            .and_then(|rest| rest.strip_suffix("/mcp"))
            .unwrap();
        assert_eq!(target["metrics_url"], format!("http://{address}/metrics"));
        assert_eq!(target["health_url"], format!("http://{address}/health"));
        assert!(runs(pid(target)));
    }
    assert!(records[4]["t0_us"].as_u64() > Some(0) && records[4]["t0_mono_us"].as_u64() > Some(0));
    assert_eq!(records[4]["boot_id"], records[0]["boot_id"]);
}

#[test]
fn a_killed_server_comes_back_on_its_port_and_the_stream_says_so() {
    let mut deploy = Deploy::start(&["local", "--replicas", "2"]);
    let records = deploy.until("ready");
    let killed = &records[1];
    signal(pid(killed), Signal::KILL);
    let exited = deploy.record();
    assert_eq!(
        (exited["event"].as_str(), exited["signal"].as_i64()),
        (Some("exited"), Some(9))
    );
    assert_eq!(
        (pid(&exited), &exited["target"]),
        (pid(killed), &killed["name"])
    );
    let restarted = deploy.record();
    assert_eq!(restarted["event"], "restarted");
    let target = deploy.record();
    assert_eq!(
        (&target["type"], &target["name"], &target["url"]),
        (&"target".into(), &killed["name"], &killed["url"])
    );
    assert_eq!(pid(&target), pid(&restarted));
    assert_ne!(pid(&target), pid(killed));
    let healthy = deploy.record();
    assert_eq!(healthy["event"], "healthy");
    assert!(runs(pid(&records[2])), "the other one was left alone");
}

#[test]
fn a_paused_server_is_reported_and_not_ended() {
    let mut deploy = Deploy::start(&["local", "--replicas", "1", "--health-every", "100ms"]);
    let server = deploy.ready()[0];
    signal(server, Signal::STOP);
    let unhealthy = deploy.record();
    assert_eq!(
        (unhealthy["event"].as_str(), pid(&unhealthy)),
        (Some("unhealthy"), server)
    );
    signal(server, Signal::CONT);
    let records = deploy.until("event");
    assert_eq!(records.last().unwrap()["event"], "healthy");
    assert!(runs(server));
}

#[test]
fn a_server_that_ends_again_and_again_fails_the_run() {
    let mut deploy = Deploy::start(&["local", "--replicas", "1", "--max-restarts", "1"]);
    let server = deploy.ready()[0];
    signal(server, Signal::KILL);
    let records = deploy.until("target");
    signal(pid(records.last().unwrap()), Signal::KILL);
    let records = deploy.until("end");
    let warning = &records[records.len() - 2];
    assert_eq!(warning["code"], "fatal");
    assert!(
        warning["text"].as_str().unwrap().contains("--max-restarts"),
        "{warning}"
    );
    assert_eq!(records.last().unwrap()["exit"], 2);
    assert_eq!(deploy.wait().code(), Some(2));
}

#[test]
fn options_behind_two_dashes_go_to_the_servers() {
    let (text, _) = failure(&["local", "--replicas", "1", "--", "--no-such-option"]);
    assert!(
        text.contains("--no-such-option") && text.contains("its log: "),
        "{text}"
    );
}

#[test]
fn any_command_can_be_the_server() {
    let command = format!("'{BINARY}' serve --listen 127.0.0.1:{{port}}");
    let mut deploy = Deploy::start(&[
        "local",
        "--replicas",
        "2",
        "--command",
        &command,
        "--url",
        "ws://127.0.0.1:{port}/mcp",
    ]);
    let records = deploy.until("ready");
    assert_eq!(records[1]["transport"], "ws");
    assert!(
        records[1].get("metrics_url").is_none(),
        "unknown for a command"
    );
    assert_ne!(records[1]["url"], records[2]["url"]);
}

#[test]
fn a_server_that_speaks_no_mcp_at_its_url_is_a_clear_error() {
    let command = format!("'{BINARY}' serve --listen 127.0.0.1:{{port}}");
    let (text, end) = failure(&[
        "local",
        "--replicas",
        "1",
        "--health-timeout",
        "500ms",
        "--command",
        &command,
        "--url",
        "http://127.0.0.1:{port}/elsewhere",
    ]);
    assert!(
        text.contains("does not answer MCP") && text.contains("--url"),
        "{text}"
    );
    assert_eq!(
        (end["why"].as_str(), end["exit"].as_u64()),
        (Some("failed"), Some(2))
    );
}

#[test]
fn a_command_that_is_not_there_is_a_clear_error() {
    let (text, _) = failure(&[
        "local",
        "--command",
        "no-such-server-anywhere --port {port}",
    ]);
    assert!(
        text.contains("command not found: 'no-such-server-anywhere'"),
        "{text}"
    );
}

#[test]
fn a_command_that_ends_at_once_is_shown_with_its_last_words() {
    let (text, _) = failure(&[
        "local",
        "--replicas",
        "1",
        "--command",
        "echo no licence >&2; exit 7",
    ]);
    assert!(
        text.contains("ended with code 7") && text.contains("no licence"),
        "{text}"
    );
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (text, _) = failure(&["local", "--replicas", "1", "--port", &port]);
    assert!(text.contains(&format!("port {port} is taken")), "{text}");
}

#[test]
fn several_servers_at_one_address_are_a_usage_error() {
    let folder = Folder::new();
    let output = folder
        .command(&[
            "local",
            "--command",
            "x",
            "--url",
            "http://127.0.0.1:80/mcp",
        ])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--replicas 1"));
}
