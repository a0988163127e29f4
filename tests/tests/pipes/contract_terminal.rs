//! Ctrl-C on a real terminal: the kernel signals the foreground job, and bash decides what becomes of the script.

use libc::SIGINT;
use pipe_tests::{Pipeline, Terminal};

const LOAD: &str = "--clients 2 --rate 20/s --connect-for 300ms --warmup 0s";

#[test]
fn ctrl_c_in_a_script_with_two_pipelines_stops_the_script() {
    let terminal = Terminal::open();
    let running = Pipeline::new(format!(
        "mcp-deploy local -n 2 | mcp-gen {LOAD} --for 60s | mcp-scrape | tee -i first.jsonl | mcp-report
         mcp-deploy local -n 2 | mcp-gen {LOAD} --for 60s | mcp-scrape | tee -i second.jsonl | mcp-report"
    ))
    .start_in(&terminal);
    running.until_load("first.jsonl");
    terminal.press_ctrl_c();
    let run = running.finish();
    run.assert_signalled(SIGINT);
    assert!(run.text().contains("interrupted"), "{}", run.text());
    assert!(
        !run.folder.path().join("second.jsonl").exists(),
        "the second pipeline started"
    );
    let stream = run.recorded("first.jsonl");
    assert_eq!(stream.only("mcp-gen", "end")["why"], "interrupted");
}

#[test]
fn ctrl_c_stops_a_loop_of_pipelines_under_errexit() {
    let terminal = Terminal::open();
    let running = Pipeline::new(format!(
        "set -euo pipefail; for i in 1 2 3; do mcp-deploy local -n 1 | mcp-gen {LOAD} --for 60s | tee -i run$i.jsonl \
         | mcp-report; done"
    ))
    .start_in(&terminal);
    running.until_load("run1.jsonl");
    terminal.press_ctrl_c();
    let run = running.finish();
    run.assert_signalled(SIGINT);
    assert!(
        !run.folder.path().join("run2.jsonl").exists(),
        "the loop went on"
    );
}

#[test]
fn a_run_that_nobody_interrupts_lets_the_script_go_on() {
    let terminal = Terminal::open();
    let run = Pipeline::new(format!(
        "mcp-deploy local -n 1 | mcp-gen {LOAD} --for 300ms | mcp-report --json first.json
         mcp-deploy local -n 1 | mcp-gen {LOAD} --for 300ms | mcp-report --json second.json"
    ))
    .start_in(&terminal)
    .finish();
    run.assert_stages_and_report(&[0, 0], "second.json");
    assert_ne!(run.verdict("first.json")["verdict"], "NONE");
}

#[test]
fn a_terminal_that_hangs_up_leaves_no_process() {
    let terminal = Terminal::open();
    let running = Pipeline::new(format!(
        "mcp-deploy local -n 2 | mcp-gen {LOAD} --for 60s | mcp-scrape | tee -i run.jsonl | mcp-report"
    ))
    .start_in(&terminal);
    running.until_load("run.jsonl");
    // The kernel sends SIGHUP to the leader of the session and its foreground job.
    drop(terminal);
    let _ = running.finish();
}
