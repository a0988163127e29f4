//! `kill -9` of mcp-chaos, of mcp-deploy and of all stages at once, in the middle of each kind of fault: 5 s later nothing
//! is left, no process that stands still and none of ours.

use crate::chaos::{HASTY, LOAD, is_stopped, started, target, until_begun};
use pipe_tests::{PATIENCE, Pipeline, Running, Server, until};
use std::time::Duration;

const FIVE_S: Duration = Duration::from_secs(5);
/// Each kind of fault that lasts, for long.
const FAULTS: [&str; 7] = [
    "drop_answer:rate=1%@300ms+1h",
    "latency:latency=20ms@300ms+1h",
    "partition@300ms+1h",
    "pause:share=half@300ms+1h",
    "cpu:load=50%@300ms+1h",
    "memory:size=16MiB@300ms+1h",
    "restart:grace=30s@300ms",
];

/// A pipeline in the middle of a fault.
fn within(fault: &str) -> Running {
    // Who waits for a restart needs a server that does not end.
    let servers = match fault.starts_with("restart") {
        true => {
            r#"--command "sh -c 'trap : TERM; while :; do mcp-deploy serve --listen 127.0.0.1:{port}; done'""#
        }
        false => "",
    };
    let running = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 {servers} | mcp-chaos -q {fault} | mcp-gen {HASTY} --for 1h | tee -i run.jsonl | mcp-report"
    ))
    .start();
    until_begun(&running, "run.jsonl", "f1");
    running
}

#[test]
fn of_mcp_chaos() {
    for fault in FAULTS {
        let running = within(fault);
        running.signal_one(running.stage("mcp-chaos"), libc::SIGKILL);
        let run = running.finish();
        assert_eq!(run.stages[..2], [0, 137], "{fault}: {}", run.stderr);
        assert!(run.text().contains("mcp-chaos#"), "{}", run.text());
    }
}

#[test]
fn of_mcp_deploy() {
    for fault in FAULTS {
        let running = within(fault);
        running.signal_one(running.stage("mcp-deploy"), libc::SIGKILL);
        let run = running.finish();
        assert_eq!(run.stages[..2], [137, 0], "{fault}: {}", run.stderr);
        assert!(run.text().contains("mcp-deploy#"), "{}", run.text());
    }
}

#[test]
fn of_all_stages_at_once() {
    for fault in FAULTS {
        let running = within(fault);
        running.signal(libc::SIGKILL);
        running.until_nothing_is_left(FIVE_S);
        drop(running.finish());
    }
}

#[test]
fn a_server_that_is_not_ours_goes_on_and_is_not_ended() {
    for (tool, signal) in [
        ("mcp-chaos", libc::SIGKILL),
        ("", libc::SIGKILL),
        ("mcp-gen", libc::SIGKILL),
    ] {
        let server = Server::start(&[]);
        let running = Pipeline::new(format!(
            "(echo '{}'; sleep 60) | mcp-chaos -q pause@1s+1h cpu:load=20%@1s+1h | mcp-gen {LOAD} --for 1h > run.jsonl",
            target("mine", &server)
        ))
        .start();
        // Nobody says ready as long as the pipe is open, so mcp-chaos has no t0: end it.
        let sleeper = || {
            let all = running.processes();
            all.iter().find(|p| p.command == "sleep 60").map(|p| p.pid)
        };
        until("the writer waits", PATIENCE, || sleeper().is_some());
        if let Some(pid) = sleeper() {
            running.signal_one(pid, libc::SIGKILL);
        }
        until("it stands still", PATIENCE, || is_stopped(server.pid()));
        until("its CPU is used", PATIENCE, || {
            !started(&running, "burn-cpu").is_empty()
        });
        match tool {
            "" => running.signal(signal),
            tool => running.signal_one(running.stage(tool), signal),
        }
        until("it goes on", FIVE_S, || !is_stopped(server.pid()));
        until("nobody uses its CPU", FIVE_S, || {
            started(&running, "burn-cpu").is_empty()
        });
        drop(running.finish());
        let answers = Pipeline::new(format!(
            "mcp-deploy -q attach --for 10ms {} > /dev/null",
            server.ws()
        ))
        .run();
        answers.assert_stages(&[0]);
    }
}
