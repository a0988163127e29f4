//! `kill -9` of any stage: nothing is left after 5 s, and a stream that lacks a last word is INVALID.

use pipe_tests::{Dice, Finished, Pipeline, assert_conserved, assert_intervals_add_up};
use std::time::Duration;

const KILLED: i32 = 137;
const STAGES: [&str; 5] = [
    "mcp-deploy",
    "mcp-chaos",
    "mcp-gen",
    "mcp-scrape",
    "mcp-report",
];

/// Kills one stage in the middle of the load; [`pipe_tests::Running::finish`] sees that nothing is left.
fn kill(tool: &str, seed: u64, length: &str) -> Finished {
    let running = Pipeline::new(format!(
        "mcp-deploy local -n 2 | mcp-chaos | mcp-gen --clients 4 --rate 50/s --connect-for 300ms --warmup 0s --for {length} \
         --timeout 500ms | mcp-scrape | tee -i run.jsonl | mcp-report --json report.json"
    ))
    .patience(Duration::from_secs(20))
    .start();
    running.until_load("run.jsonl");
    // Not to wait for something, but to hit another place each time the seed is changed.
    std::thread::sleep(Duration::from_millis(Dice::new(seed).below(700) as u64));
    running.signal_one(running.stage(tool), libc::SIGKILL);
    running.finish()
}

/// Servers go with the tool upstream that was killed: the load ends with a sentence, long before its time.
fn ends_early(tool: &str, place: usize, seed: u64) -> Finished {
    let run = kill(tool, seed, "1h");
    assert_eq!(run.stages[place], KILLED);
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
    assert_eq!(stream.only("mcp-gen", "end")["why"], "failed");
    // The report repeats the sentence.
    assert_eq!(run.stages[2..6], [2, 0, 0, 2], "{}", run.stderr);
    let words = format!("{tool}#");
    assert!(run.text().contains(&words), "{}", run.text());
    assert!(
        run.text().contains("without its last word"),
        "{}",
        run.text()
    );
    run
}

#[test]
fn without_mcp_deploy_its_servers_are_gone_and_the_run_ends_with_a_sentence() {
    ends_early("mcp-deploy", 0, 1);
}

#[test]
fn without_mcp_chaos_the_servers_end_and_the_run_with_them() {
    let run = ends_early("mcp-chaos", 1, 2);
    assert_eq!(
        run.stages[0], 0,
        "mcp-deploy saw its reader leave: {}",
        run.stderr
    );
}

#[test]
fn without_mcp_gen_or_a_filter_behind_it_the_run_is_invalid() {
    for (seed, place) in [(3, 2), (4, 3)] {
        let run = kill(STAGES[place], seed, "1500ms");
        assert_eq!(run.stages[place], KILLED);
        assert_eq!(run.stages[5], 3, "{}", run.text());
        assert_eq!(run.stages[0], 0, "{}", run.stderr);
        let verdict = run.verdict("report.json");
        assert_eq!(verdict["verdict"], "INVALID");
        assert!(
            verdict["reasons"].to_string().contains("torn"),
            "{}",
            verdict["reasons"]
        );
    }
}

#[test]
fn without_mcp_report_everybody_else_winds_down() {
    let run = kill("mcp-report", 5, "1500ms");
    assert_eq!(run.stages[5], KILLED);
    for (tool, status) in STAGES.iter().zip(&run.stages).take(4) {
        assert_eq!(*status, 0, "{tool}: {}", run.stderr);
    }
}

#[test]
fn a_generator_killed_before_its_load_leaves_a_torn_stream() {
    let running = Pipeline::new(
        "mcp-deploy local -n 1 | mcp-gen --clients 1 --connect-for 20s --for 1s | tee -i run.jsonl | mcp-report",
    )
    .start();
    running.until_written("run.jsonl", r#""type":"stage""#);
    running.signal_one(running.stage("mcp-gen"), libc::SIGKILL);
    let run = running.finish();
    run.assert_stages(&[0, KILLED, 0, 3]);
    assert!(run.text().contains("torn"), "{}", run.text());
}

#[test]
fn a_keeper_killed_with_its_tool_is_made_good_by_the_next_start() {
    let running = Pipeline::new("mcp-deploy -q local -n 2 --for 60s > run.jsonl").start();
    running.until_written("run.jsonl", r#""type":"ready""#);
    let all = running.processes();
    let is_keeper = |command: &str| command.split(' ').nth(1) == Some("keeper");
    let keepers: Vec<_> = all.iter().filter(|p| is_keeper(&p.command)).collect();
    assert_eq!(keepers.len(), 1, "{all:#?}");
    let tool = running.stage("mcp-deploy");
    // Stopped first: neither sees the other die before it dies itself.
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        running.signal_one(tool, signal);
        running.signal_one(keepers[0].pid, signal);
    }
    running.until_dead(tool);
    running.until_dead(keepers[0].pid);
    let state = running.folder().path().join("state");
    let down = Pipeline::new("mcp-deploy down")
        .variable("MCPIPE_STATE", &state.display().to_string())
        .run();
    assert_eq!(down.status.code(), Some(0), "{}", down.stderr);
    running.until_nothing_is_left(Duration::from_secs(10));
}
