//! `mcp-chaos heal` and `status`, and the deadline: what is applied can be seen, and is taken back once.

use crate::chaos::{HASTY, LOAD, is_stopped, state, target, until_begun};
use pipe_tests::{Finished, PATIENCE, Pipeline, Running, Server, until};
use serde_json::Value;
use std::io::Write as _;

/// A command beside a pipeline, on its journals.
fn beside(running: &Running, command: &str) -> Finished {
    let state = running.folder().path().join("state");
    Pipeline::new(command)
        .variable("MCPIPE_STATE", &state.display().to_string())
        .run()
}

/// A server that is paused for an hour under a load.
fn pausing(server: &Server) -> Running {
    let running = Pipeline::new(format!(
        "mcp-chaos -q pause@300ms+1h | mcp-gen {HASTY} --for 1h > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", server)))
    .start();
    until_begun(&running, "run.jsonl", "f1");
    // SIGSTOP is sent at once, and takes its moment to reach a process that runs.
    until("it stands still", PATIENCE, || is_stopped(server.pid()));
    running
}

fn keeper(running: &Running) -> i32 {
    let all = running.processes();
    let keepers: Vec<i32> = all
        .iter()
        .filter(|p| p.command.split(' ').nth(1) == Some("keeper"))
        .map(|p| p.pid)
        .collect();
    assert_eq!(keepers.len(), 1, "{all:#?}");
    keepers[0]
}

/// Kills a tool together with its keeper: neither sees the other die.
fn kill_with_keeper(running: &Running) {
    let (tool, keeper) = (running.stage("mcp-chaos"), keeper(running));
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        running.signal_one(tool, signal);
        running.signal_one(keeper, signal);
    }
    running.until_dead(tool);
    running.until_dead(keeper);
}

fn lines(run: &Finished) -> Vec<Value> {
    let text = run.text();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn status_shows_what_is_applied_and_heal_leaves_it_to_a_tool_that_lives() {
    let server = Server::start(&[]);
    let running = pausing(&server);
    let status = beside(&running, "mcp-chaos status");
    status.assert_stages(&[0]);
    let applied = lines(&status);
    assert_eq!(applied.len(), 1, "{applied:#?}");
    assert_eq!(
        (&applied[0]["kind"], &applied[0]["alive"]),
        (&"paused".into(), &true.into())
    );
    assert_eq!(
        applied[0]["what"],
        format!("the pause of process {}", server.pid())
    );
    assert!(
        applied[0]["until_us"].as_u64() > Some(record::clock::unix_us()),
        "{applied:#?}"
    );
    let heal = beside(&running, "mcp-chaos heal");
    heal.assert_stages(&[0]);
    assert!(
        heal.stderr.contains("still runs and holds 1"),
        "{}",
        heal.stderr
    );
    assert!(is_stopped(server.pid()), "it is the living tool's");
    running.signal_one(running.stage("mcp-gen"), libc::SIGKILL);
    let _ = running.finish();
    assert!(!is_stopped(server.pid()));
}

#[test]
fn status_shows_faults_in_the_path_as_long_as_they_are_there() {
    let running = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-chaos -q latency:latency=5ms@300ms+1500ms | mcp-gen {LOAD} --for 4s > run.jsonl"
    ))
    .start();
    until_begun(&running, "run.jsonl", "f1");
    let applied = lines(&beside(&running, "mcp-chaos status"));
    assert_eq!(applied.len(), 1, "{applied:#?}");
    assert_eq!(applied[0]["what"], "latency of local-1, local-2");
    running.until_written("run.jsonl", r#""id":"f1","state":"ended""#);
    assert!(lines(&beside(&running, "mcp-chaos status")).is_empty());
    running.finish().assert_stages(&[0, 0, 0]);
}

#[test]
fn heal_takes_back_what_a_tool_left_that_died_with_its_keeper_and_twice_is_once() {
    let server = Server::start(&[]);
    let running = pausing(&server);
    kill_with_keeper(&running);
    assert!(is_stopped(server.pid()), "nobody is there to let it go on");
    assert_eq!(
        lines(&beside(&running, "mcp-chaos status"))[0]["alive"],
        false
    );
    let other = beside(&running, "mcp-chaos heal --run another");
    other.assert_stages(&[0]);
    assert!(is_stopped(server.pid()), "another run: {}", other.stderr);
    let heal = beside(&running, "mcp-chaos heal");
    heal.assert_stages(&[0]);
    assert!(
        heal.stderr
            .contains(&format!("the pause of process {}", server.pid())),
        "{}",
        heal.stderr
    );
    assert!(!is_stopped(server.pid()) && state(server.pid()).is_some());
    let again = beside(&running, "mcp-chaos heal");
    again.assert_stages(&[0]);
    assert!(
        again.stderr.contains("nothing was left behind"),
        "{}",
        again.stderr
    );
    assert!(lines(&beside(&running, "mcp-chaos status")).is_empty());
    drop(running.finish());
}

#[test]
fn what_heal_does_not_know_it_refuses_and_says_so() {
    let server = Server::start(&[]);
    let running = pausing(&server);
    kill_with_keeper(&running);
    let folder = running.folder().path().join("state/journal");
    let journal = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let mut file = std::fs::File::options()
        .append(true)
        .open(&journal)
        .unwrap();
    let line = r#"{"op":"plan","id":"x-1","ts_us":1,"kind":"moon_phase","detail":{}}"#;
    writeln!(file, "{line}").unwrap();
    for _ in 0..2 {
        let heal = beside(&running, "mcp-chaos heal");
        heal.assert_stages(&[2]);
        assert!(
            heal.stderr.contains("left alone: moon_phase 'x-1'"),
            "{}",
            heal.stderr
        );
        assert!(
            !is_stopped(server.pid()),
            "what it knows is taken back all the same"
        );
    }
    drop(running.finish());
}

#[test]
fn the_first_signal_mends_and_the_run_ends_in_good_order() {
    for place in ["before", "behind"] {
        let chaos = "mcp-chaos -q pause@300ms+1h cpu:load=10%@300ms+1h";
        let load = format!("mcp-gen {LOAD} --for 1h");
        let middle = match place {
            "before" => format!("{chaos} | {load}"),
            _ => format!("{load} | {chaos}"),
        };
        let running = Pipeline::new(format!(
            "mcp-deploy -q local -n 2 | {middle} | (trap '' INT; exec tee run.jsonl) | mcp-report"
        ))
        .outlives_signals()
        .start();
        until_begun(&running, "run.jsonl", "f1");
        until_begun(&running, "run.jsonl", "f2");
        running.signal(libc::SIGINT);
        let run = running.finish();
        run.assert_stages(&[130, 130, 130, 0, 130]);
        let stream = run.recorded("run.jsonl");
        // What is told upstream may come too late for mcp-gen, whose last word then has been said.
        for id in ["f1", "f2"].into_iter().filter(|_| place == "behind") {
            let ended = crate::chaos::one(&stream, id, "ended");
            assert_eq!(ended["text"], "the run ended before its time", "{place}");
        }
        assert_eq!(stream.only("mcp-gen", "end")["why"], "interrupted");
    }
}

#[test]
fn after_a_signal_the_proxies_stay_until_the_reader_has_left() {
    let running = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-chaos -q latency:latency=300ms@300ms+1h | mcp-gen {LOAD} --for 1h \
         | (trap '' INT; exec tee run.jsonl) | mcp-report"
    ))
    .outlives_signals()
    .start();
    until_begun(&running, "run.jsonl", "f1");
    // Calls are on their way, each for 0.3 s.
    let answered = || {
        running
            .folder()
            .read("run.jsonl")
            .windows(11)
            .filter(|w| *w == b"\"response\":")
            .count()
    };
    let before = answered();
    until("calls are answered", PATIENCE, || answered() > before + 3);
    running.signal(libc::SIGINT);
    let run = running.finish();
    run.assert_stages(&[130, 130, 130, 0, 130]);
    let totals = run.recorded("run.jsonl").totals().clone();
    // What was due and not sent yet is cancelled; what was under way was answered.
    let errors = totals["errors"].as_object().unwrap();
    assert!(errors.keys().all(|class| class == "cancelled"), "{totals}");
}

#[test]
fn into_a_file_it_stays_until_a_signal_and_then_says_its_last_word() {
    let server = Server::start(&[]);
    let running = Pipeline::new("mcp-chaos -q pause@100ms+200ms > run.jsonl")
        .stdin(format!("{}\n", target("mine", &server)))
        .outlives_signals()
        .start();
    running.until_written("run.jsonl", r#""id":"f1","state":"ended""#);
    running.signal(libc::SIGTERM);
    let run = running.finish();
    run.assert_stages(&[143]);
    assert_eq!(
        run.recorded("run.jsonl").only("mcp-chaos", "end")["why"],
        "interrupted"
    );
}

#[test]
fn the_second_signal_ends_at_once_and_mends_all_the_same() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-chaos pause@300ms+1h | mcp-gen {LOAD} --grace 50s --for 1h > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", &server)))
    .outlives_signals()
    .start();
    until_begun(&running, "run.jsonl", "f1");
    let chaos = running.stage("mcp-chaos");
    running.signal_one(chaos, libc::SIGTERM);
    until("it goes on", PATIENCE, || !is_stopped(server.pid()));
    running.signal_one(chaos, libc::SIGTERM);
    running.until_dead(chaos);
    // It had no time for its last word, so mcp-gen takes it for killed.
    let run = running.finish();
    assert_eq!(run.stages, [143, 2], "{}", run.stderr);
}

#[test]
fn a_keeper_lets_a_server_go_on_whose_tool_hangs() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-chaos -q pause@300ms+2s | mcp-gen {HASTY} --for 1h > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", &server)))
    .start();
    until_begun(&running, "run.jsonl", "f1");
    let chaos = running.stage("mcp-chaos");
    running.signal_one(chaos, libc::SIGSTOP);
    until("the keeper lets it go on", PATIENCE, || {
        !is_stopped(server.pid())
    });
    running.signal_one(chaos, libc::SIGCONT);
    running.until_written("run.jsonl", r#""id":"f1","state":"ended""#);
    running.signal_one(running.stage("mcp-gen"), libc::SIGKILL);
    let _ = running.finish();
}
