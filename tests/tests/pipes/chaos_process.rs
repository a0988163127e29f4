//! Faults of processes under a load: killed, restarted, paused, pressed; each seen in the records by what it did.

use crate::chaos::{LOAD, of, one, started, until_begun};
use pipe_tests::{Pipeline, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::Value;
use std::collections::BTreeMap;

/// Rows of a target whose second lies between two instants.
fn rows<'a>(stream: &'a Stream, target: &str, from_us: u64, to_us: u64) -> Vec<&'a Value> {
    let rows = stream.of("interval").into_iter();
    rows.filter(|r| {
        let start_us = r["start_us"].as_u64().unwrap();
        let end_us = start_us + r["span_us"].as_u64().unwrap();
        r["target"] == target && start_us >= from_us && end_us <= to_us
    })
    .collect()
}

fn sum(rows: &[&Value], field: &str) -> u64 {
    rows.iter().map(|r| r[field].as_u64().unwrap_or(0)).sum()
}

fn errors(rows: &[&Value]) -> u64 {
    let classes = rows.iter().flat_map(|r| r["errors"].as_object().unwrap());
    classes.map(|(_, n)| n.as_u64().unwrap()).sum()
}

fn at_us(record: &Value) -> u64 {
    record["at_us"].as_u64().unwrap()
}

/// The event that a target is well again.
fn healthy<'a>(stream: &'a Stream, target: &str) -> &'a Value {
    let events = stream.of("event").into_iter();
    let mut well = events.filter(|e| e["event"] == "healthy" && e["target"] == target);
    well.next().expect("it is well again")
}

#[test]
fn a_killed_replica_exits_is_started_again_and_its_share_of_the_calls_comes_back() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 3 | mcp-chaos -q kill:replica=2@1s | mcp-gen {LOAD} --for 5s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let (began, ended) = (one(&stream, "f1", "began"), one(&stream, "f1", "ended"));
    assert_eq!(began["targets"], serde_json::json!(["local-2"]));
    assert_eq!(
        (&began["kind"], &began["parameters"]["signal"]),
        (&"kill".into(), &"KILL".into())
    );
    assert!(began["t_us"].as_u64() >= Some(1_000_000), "{began}");
    assert_eq!(began["at_us"], ended["at_us"], "over at once");
    assert_eq!(ended["counts"]["processes"], 1);
    let exited = stream
        .of("event")
        .into_iter()
        .find(|e| e["event"] == "exited")
        .unwrap();
    assert_eq!(
        (&exited["target"], &exited["signal"]),
        (&"local-2".into(), &9.into())
    );
    // From half a second after it is well again: a third of the calls are its own again, and all are answered.
    let well_us = healthy(&stream, "local-2")["ts_us"].as_u64().unwrap() + 500_000;
    let after = rows(&stream, "local-2", well_us, u64::MAX);
    assert!(sum(&after, "ok") > 0 && errors(&after) == 0, "{after:#?}");
    let all: u64 = ["local-1", "local-2", "local-3"]
        .iter()
        .map(|name| sum(&rows(&stream, name, well_us, u64::MAX), "ok"))
        .sum();
    let share = sum(&after, "ok") as f64 / all as f64;
    assert!((0.25..0.42).contains(&share), "{share}");
    // Not only counted there: they have connections to it.
    let connected = after
        .iter()
        .rev()
        .find(|r| r["method"] == "connect" && r["connections"].as_u64() > Some(0));
    assert!(connected.is_some(), "{after:#?}");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
}

#[test]
fn calls_on_a_paused_target_wait_and_go_on_while_the_others_are_answered() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 3 | mcp-chaos -q pause:name=local-3@1s+1500ms | mcp-gen {LOAD} --for 4s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let (began, ended) = (one(&stream, "f1", "began"), one(&stream, "f1", "ended"));
    assert_eq!(began["for_us"], 1_500_000);
    assert_eq!(ended["counts"]["processes"], 1);
    let (from, to) = (at_us(began), at_us(ended));
    // What had been answered before may be counted in the first moment.
    let during = rows(&stream, "local-3", from + 100_000, to - 50_000);
    assert_eq!(sum(&during, "ok"), 0, "{during:#?}");
    assert!(sum(&during, "scheduled") > 0);
    assert!(sum(&rows(&stream, "local-1", from + 100_000, to), "ok") > 0);
    let totals = stream.totals();
    assert_eq!(
        totals["errors"],
        serde_json::json!({}),
        "they waited: {totals}"
    );
    let slowest = stream
        .of("interval")
        .into_iter()
        .filter(|r| r["target"] == "local-3");
    let slowest = slowest
        .filter_map(|r| r["response"]["max_us"].as_u64())
        .max();
    assert!(slowest >= Some(1_300_000), "{slowest:?}");
    assert_conserved(&stream);
}

#[test]
fn a_restart_is_over_when_the_target_is_back_under_another_process() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-gen {LOAD} --for 4s | mcp-chaos -q restart:replica=1@steady+500ms > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let ended = one(&stream, "f1", "ended");
    assert_eq!(
        ended["counts"],
        serde_json::json!({"processes": 1, "back": 1, "killed": 0})
    );
    let pids: Vec<&Value> = stream
        .of("target")
        .into_iter()
        .filter(|t| t["name"] == "local-1")
        .map(|t| &t["pid"])
        .collect();
    assert!(pids.len() == 2 && pids[0] != pids[1], "{pids:?}");
    let exited = stream
        .of("event")
        .into_iter()
        .find(|e| e["event"] == "exited")
        .unwrap();
    assert_eq!(exited["signal"], 15);
    assert_eq!(stream.only("mcp-chaos", "end")["why"], "done");
}

#[test]
fn who_does_not_hear_sigterm_is_killed_after_the_grace_time_of_a_restart() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 1 --command \"sh -c 'trap : TERM; while :; do mcp-deploy serve --listen 127.0.0.1:{{port}}; done'\" \
         | mcp-gen {LOAD} --for 5s | mcp-chaos -q restart:grace=300ms@1s > run.jsonl"
    ))
    .run();
    let stream = run.recorded("run.jsonl");
    let ended = one(&stream, "f1", "ended");
    assert_eq!(
        ended["counts"],
        serde_json::json!({"processes": 1, "back": 1, "killed": 1})
    );
}

#[test]
fn cpu_and_memory_are_used_beside_the_target_on_its_cpus_and_free_again_after() {
    let running = Pipeline::new(format!(
        "taskset -c 0 mcp-deploy -q local -n 1 | mcp-chaos -q cpu:load=50%@300ms+3s memory:size=32MiB,ramp=500ms@300ms+3s \
         | mcp-gen {LOAD} --for 5s > run.jsonl"
    ))
    .start();
    until_begun(&running, "run.jsonl", "f1");
    until_begun(&running, "run.jsonl", "f2");
    let (busy, filler) = (
        started(&running, "burn-cpu"),
        started(&running, "fill-memory"),
    );
    assert_eq!(
        (busy.len(), filler.len()),
        (1, 1),
        "{:#?}",
        running.processes()
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", busy[0])).unwrap();
    let cpus = status
        .lines()
        .find_map(|l| l.strip_prefix("Cpus_allowed_list:"));
    assert_eq!(cpus.map(str::trim), Some("0"), "the target's, not ours");
    let adj = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", filler[0])).unwrap();
    assert_eq!(adj.trim(), "1000");
    running.until_written("run.jsonl", r#""id":"f1","state":"ended""#);
    running.until_written("run.jsonl", r#""id":"f2","state":"ended""#);
    for pid in [busy[0], filler[0]] {
        running.until_dead(pid);
    }
    let run = running.finish();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let ended = one(&stream, "f1", "ended");
    assert_eq!(
        ended["counts"]["workers"], 1,
        "one for each CPU of the target"
    );
    assert!(
        ended["counts"]["cpu_us"].as_u64() > Some(100_000),
        "{ended}"
    );
    assert_eq!(ended["text"], Value::Null);
    let ended = one(&stream, "f2", "ended");
    assert!(
        ended["counts"]["peak_bytes"].as_u64() >= Some(32 << 20),
        "{ended}"
    );
    assert_eq!(
        one(&stream, "f2", "began")["parameters"]["ramp_us"],
        500_000
    );
}

/// (kind, targets, length) of each fault that began, by its id.
fn begun(seed: u64) -> BTreeMap<String, (String, String, u64)> {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 4 | mcp-chaos -q --seed {seed} 'pause:every=150ms..300ms,times=6,count=2@200ms..400ms+20ms..80ms' \
         'pause:times=3@300ms..2s+50ms' term@2500ms | mcp-gen {LOAD} --for 3s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    for id in ["f1.1", "f1.6", "f2.3", "f3"] {
        assert_eq!(of(&stream, id, "ended").len(), 1, "{id}");
    }
    let began = stream
        .from("mcp-chaos", "fault")
        .into_iter()
        .filter(|f| f["state"] == "began");
    began
        .map(|f| {
            assert_eq!(f["seed"], seed);
            let text = |name: &str| f[name].to_string();
            (
                text("id"),
                (
                    text("kind"),
                    text("targets"),
                    f["for_us"].as_u64().unwrap_or(0),
                ),
            )
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_faults_on_the_same_targets_and_another_seed_others() {
    let (first, again, other) = (begun(42), begun(42), begun(43));
    assert_eq!(first.len(), 10);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn two_pauses_of_one_target_that_overlap_end_with_the_later_one() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 1 | mcp-chaos -q pause@500ms+1s pause@1s+1s | mcp-gen {LOAD} --for 3s > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let (first, second) = (one(&stream, "f1", "ended"), one(&stream, "f2", "ended"));
    let between = rows(&stream, "local-1", at_us(first), at_us(second) - 50_000);
    assert_eq!(
        sum(&between, "ok"),
        0,
        "it still stands still: {between:#?}"
    );
    assert!(sum(&rows(&stream, "local-1", at_us(second), u64::MAX), "ok") > 0);
}
