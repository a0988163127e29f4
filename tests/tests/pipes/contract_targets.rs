//! Targets that change while the load runs: gone, moved, new; clients follow, and no call is lost.

use pipe_tests::{Pipeline, Running, Server, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::{Value, json};
use std::io::Write as _;

const LOAD: &str = "--clients 4 --rate 40/s --connect-for 300ms --warmup 0s --for 2s --timeout 1s --interval 100ms -q";

/// A generator whose stdin is a named pipe that the test writes.
struct Fed {
    running: Running,
    pipe: std::fs::File,
}

impl Fed {
    /// Starts it with these targets, ready now.
    fn start(targets: &[Value], options: &str) -> Self {
        let running = Pipeline::new(format!("mcp-gen {LOAD} {options} < feed > run.jsonl"))
            .before("mkfifo feed")
            .start();
        let path = running.folder().path().join("feed");
        pipe_tests::until("the named pipe", pipe_tests::PATIENCE, || path.exists());
        let pipe = std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .expect("a pipe");
        let mut fed = Self { running, pipe };
        targets.iter().for_each(|t| fed.say(t));
        fed.say(&json!({
            "type": "ready",
            "t0_us": record::clock::unix_us(),
            "t0_mono_us": record::clock::mono_us(),
            "boot_id": record::clock::boot_id(),
        }));
        fed.running.until_calls("run.jsonl");
        fed
    }

    fn say(&mut self, record: &Value) {
        writeln!(self.pipe, "{record}").expect("the generator reads");
    }

    /// Waits for its end and looks at the sums.
    fn end(self) -> Stream {
        let run = self.running.finish();
        drop(self.pipe);
        run.assert_stages(&[0]);
        let stream = run.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        assert_eq!(
            stream.totals()["scheduled"],
            320,
            "4 clients, 40/s, 2 s, whatever becomes of the targets"
        );
        stream
    }
}

fn target(name: &str, server: &Server) -> Value {
    json!({"type": "target", "name": name, "url": server.http()})
}

/// Calls of a target that were ok, in intervals from `start_us` on.
fn ok_from(stream: &Stream, name: &str, start_us: u64) -> u64 {
    let rows = stream.of("interval").into_iter();
    rows.filter(|i| i["target"] == name && i["start_us"].as_u64() >= Some(start_us))
        .filter_map(|i| i["ok"].as_u64())
        .sum()
}

/// When the last interval with calls due for a target ended.
fn last_due_us(stream: &Stream, name: &str) -> u64 {
    let rows = stream.of("interval").into_iter();
    rows.filter(|i| i["target"] == name && i["scheduled"].as_u64() > Some(0))
        .filter_map(|i| Some(i["start_us"].as_u64()? + i["span_us"].as_u64()?))
        .max()
        .unwrap_or(0)
}

#[test]
fn clients_who_share_connections_follow_them_when_a_target_goes() {
    let servers = [Server::start(&[]), Server::start(&[])];
    let target =
        |name: &str, n: usize| json!({"type": "target", "name": name, "url": servers[n].ws()});
    let targets = [target("a", 0), target("b", 1)];
    let mut fed = Fed::start(&targets, "--shared-connections 1 --threads 2");
    fed.say(&json!({"type": "target", "name": "a", "state": "gone", "url": servers[0].ws()}));
    let stream = fed.end();
    let totals = stream.totals();
    assert_eq!(totals["ok"], 320, "{totals}");
    assert_eq!(totals["generator"]["connects"], 3, "{totals}");
}

#[test]
fn a_target_that_is_gone_is_called_no_more_and_its_clients_move_to_the_others() {
    let (mut a, b) = (Server::start(&[]), Server::start(&[]));
    let mut fed = Fed::start(&[target("a", &a), target("b", &b)], "");
    let mut gone = target("a", &a);
    gone["state"] = json!("gone");
    fed.say(&gone);
    let said_us = record::clock::unix_us();
    // It really goes: a client that stayed would notice.
    a.kill();
    let stream = fed.end();
    // It may take the generator a moment to hear of it: an interval or two, on a machine that is busy.
    assert!(
        last_due_us(&stream, "a") < said_us + 700_000,
        "calls were still due at a"
    );
    assert!(
        ok_from(&stream, "b", said_us) > 100,
        "the clients of a moved to b"
    );
    assert!(
        stream.totals()["ok"].as_u64() > Some(280),
        "{}",
        stream.totals()["errors"]
    );
}

#[test]
fn a_target_that_moves_to_another_port_keeps_its_name_and_its_clients() {
    for websocket in [false, true] {
        let (mut old, new) = (Server::start(&[]), Server::start(&[]));
        let url = |s: &Server| if websocket { s.ws() } else { s.http() };
        let at = |s: &Server| json!({"type": "target", "name": "a", "url": url(s)});
        let mut fed = Fed::start(&[at(&old)], "");
        fed.say(&at(&new));
        let said_us = record::clock::unix_us();
        old.kill();
        let stream = fed.end();
        let after = ok_from(&stream, "a", said_us + 500_000);
        assert!(
            after > 60,
            "websocket {websocket}: {after} ok calls after the move"
        );
        let names: std::collections::BTreeSet<&str> = stream
            .of("interval")
            .iter()
            .filter_map(|i| i["target"].as_str())
            .collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a"]);
    }
}

#[test]
fn a_new_target_gets_clients() {
    let (a, b) = (Server::start(&[]), Server::start(&[]));
    let mut fed = Fed::start(&[target("a", &a)], "--threads 2");
    fed.say(&target("b", &b));
    let stream = fed.end();
    assert!(
        ok_from(&stream, "b", 0) > 50,
        "{}",
        ok_from(&stream, "b", 0)
    );
    assert!(
        ok_from(&stream, "a", 0) > 50,
        "{}",
        ok_from(&stream, "a", 0)
    );
    assert_eq!(stream.totals()["ok"], 320, "{}", stream.totals()["errors"]);
}

#[test]
fn the_only_target_going_and_coming_back_leaves_calls_counted_and_then_ok() {
    let a = Server::start(&[]);
    let mut fed = Fed::start(&[target("a", &a)], "");
    let mut gone = target("a", &a);
    gone["state"] = json!("gone");
    fed.say(&gone);
    std::thread::sleep(std::time::Duration::from_millis(300));
    fed.say(&target("a", &a));
    let back_us = record::clock::unix_us();
    let stream = fed.end();
    assert!(
        ok_from(&stream, "a", back_us + 300_000) > 40,
        "{}",
        stream.totals()
    );
}

#[test]
fn the_same_target_said_again_changes_nothing() {
    let a = Server::start(&[]);
    let mut fed = Fed::start(&[target("a", &a)], "");
    for _ in 0..50 {
        fed.say(&target("a", &a));
    }
    let stream = fed.end();
    assert_eq!(stream.totals()["ok"], 320, "{}", stream.totals()["errors"]);
}

#[test]
fn a_target_record_that_cannot_be_used_is_told_of_and_the_load_goes_on() {
    let a = Server::start(&[]);
    let mut fed = Fed::start(&[target("a", &a)], "");
    for bad in [
        json!({"type": "target", "url": 7}),
        json!({"type": "target"}),
        json!({"type": "ready"}),
    ] {
        fed.say(&bad);
    }
    fed.say(&json!({"type": "target", "name": "b", "url": "gopher://x"}));
    let stream = fed.end();
    let lines: Vec<u64> = stream
        .warnings("bad_record")
        .iter()
        .filter_map(|w| w["line"].as_u64())
        .collect();
    assert_eq!(lines, [3, 4, 5]);
    assert!(
        stream.totals()["ok"].as_u64() > Some(150),
        "{}",
        stream.totals()["errors"]
    );
}

#[test]
fn a_target_that_turns_unusable_while_calls_are_in_flight_keeps_its_place_and_its_calls() {
    // So that some calls are always in flight, and the handshakes still fit into the connect stage.
    let slow = ["--latency", "30ms"];
    let (a, b) = (Server::start(&slow), Server::start(&slow));
    let mut fed = Fed::start(&[target("a", &a), target("b", &b)], "");
    fed.say(&json!({"type": "target", "name": "a", "url": "nonsense"}));
    let said_us = record::clock::unix_us();
    let stream = fed.end();
    assert_eq!(stream.warnings("bad_target").len(), 1);
    assert!(
        ok_from(&stream, "b", said_us) > 50,
        "{}",
        stream.totals()["errors"]
    );
    assert!(last_due_us(&stream, "a") < said_us + 700_000);
}

#[test]
fn a_target_that_comes_right_behind_ready_gets_clients_too() {
    let (a, b) = (Server::start(&[]), Server::start(&[]));
    let ready = json!({
        "type": "ready",
        "t0_us": record::clock::unix_us(),
        "t0_mono_us": record::clock::mono_us(),
        "boot_id": record::clock::boot_id(),
    });
    let run = Pipeline::new(format!("mcp-gen {LOAD}"))
        .stdin(format!(
            "{}\n{ready}\n{}\n",
            target("a", &a),
            target("b", &b)
        ))
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_conserved(&stream);
    assert!(ok_from(&stream, "a", 0) > 50 && ok_from(&stream, "b", 0) > 50);
}

#[test]
fn a_ready_of_the_far_future_does_not_count() {
    let a = Server::start(&[]);
    for t0_us in [record::clock::mono_us() + 3_600_000_000, u64::MAX] {
        let ready = json!({
            "type": "ready",
            "t0_us": t0_us,
            "t0_mono_us": t0_us,
            "boot_id": record::clock::boot_id(),
        });
        let run = Pipeline::new(format!("mcp-gen {LOAD}"))
            .stdin(format!("{}\n{ready}\n", target("a", &a)))
            .run();
        run.assert_stages(&[0]);
        assert_eq!(run.stream().warnings("future_ready").len(), 1);
        assert_eq!(run.stream().totals()["scheduled"], 320);
    }
}
