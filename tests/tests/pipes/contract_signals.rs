//! Ctrl-C, SIGTERM and SIGHUP: the first ends in good order with a report, the second at once; ignored ones stay ignored.

use libc::{SIGHUP, SIGINT, SIGTERM};
use pipe_tests::{Finished, Pipeline, Server, assert_conserved, assert_intervals_add_up};
use std::time::Duration;

const LOAD: &str = "--clients 3 --rate 50/s --connect-for 300ms --warmup 0s --interval 100ms";

/// All five tools. The recorder is shielded from all signals, as `tee -i` is from Ctrl-C.
fn whole(load: &str) -> String {
    format!(
        "mcp-deploy local -n 2 | mcp-chaos | mcp-gen {LOAD} {load} | mcp-scrape \
         | (trap '' INT TERM HUP; exec tee run.jsonl) | mcp-report --json report.json --fail-if 'p99 < 1h'"
    )
}

/// What a run that was interrupted once must have left.
#[track_caller]
fn assert_reported_as_interrupted(run: &Finished, signal: i32) {
    let status = 128 + signal;
    assert!(run.text().contains("interrupted"), "{}", run.text());
    let verdict = run.verdict("report.json");
    // Its gates are not judged: the one here would fail any run.
    assert_eq!(verdict["verdict"], "NONE", "{verdict}");
    assert_eq!(verdict["gates"][0]["state"], "not judged", "{verdict}");
    let stream = run.recorded("run.jsonl");
    for tool in ["mcp-gen", "mcp-scrape"] {
        let end = stream.only(tool, "end");
        assert_eq!(
            (&end["why"], &end["exit"]),
            (&"interrupted".into(), &status.into()),
            "{end}"
        );
    }
    assert!(
        stream.totals()["ok"].as_u64() > Some(0),
        "{}",
        stream.totals()
    );
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
}

#[test]
fn a_signal_in_the_middle_gives_a_report_marked_interrupted_and_ends_every_stage_by_it() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let running = Pipeline::new(whole("--for 60s")).outlives_signals().start();
        running.until_calls("run.jsonl");
        running.signal(signal);
        let run = running.finish();
        let by = 128 + signal;
        run.assert_stages(&[by, by, by, by, 0, by]);
        assert_reported_as_interrupted(&run, signal);
    }
}

#[test]
fn ctrl_c_ends_the_script_itself_since_the_last_stage_dies_of_it() {
    let running = Pipeline::new(format!("{}; echo went on", whole("--for 60s"))).start();
    running.until_calls("run.jsonl");
    running.signal(SIGINT);
    let run = running.finish();
    run.assert_signalled(SIGINT);
    assert!(!run.text().contains("went on"), "{}", run.text());
    assert_reported_as_interrupted(&run, SIGINT);
}

#[test]
fn ctrl_c_ends_the_script_also_where_the_pipeline_ends_in_any_other_tool() {
    for last in [
        "mcp-chaos",
        "mcp-scrape",
        "mcp-gen --clients 2 --connect-for 300ms --for 60s",
    ] {
        let running = Pipeline::new(format!(
            "mcp-deploy local -n 1 | {last} > run.jsonl; echo went on"
        ))
        .start();
        running.until_written("run.jsonl", r#""type":"ready""#);
        running.signal(SIGINT);
        if !last.starts_with("mcp-gen") {
            // Without a generator nobody ends the pipe: the filter waits for the end of the stream, and mcp-deploy, up
            // to 20 s, for the filter to leave. A second Ctrl-C is for that.
            pipe_tests::until("mcp-deploy waits", pipe_tests::PATIENCE, || {
                running.stderr().contains("interrupted")
            });
            running.signal(SIGINT);
        }
        let run = running.finish();
        run.assert_signalled(SIGINT);
        assert_eq!(run.text(), "", "{last}");
    }
}

#[test]
fn a_signal_while_mcp_gen_still_asks_the_servers_ends_it_too() {
    // It accepts, and never answers: discovery waits.
    let silent = pipe_tests::Hostile::listen(|stream, _| {
        std::thread::sleep(Duration::from_secs(15));
        drop(stream);
    });
    let running = Pipeline::new(format!(
        "mcp-gen --url http://127.0.0.1:{}/mcp --timeout 60s | (trap '' INT; exec tee run.jsonl) | mcp-report --json report.json",
        silent.port()
    ))
    .outlives_signals()
    .start();
    pipe_tests::until("a connection", pipe_tests::PATIENCE, || {
        silent.accepted() > 0
    });
    // tee ignores the signal once it runs.
    running.until_written("run.jsonl", r#""type":"start""#);
    running.signal(SIGINT);
    let run = running.finish();
    run.assert_stages(&[130, 0, 130]);
    assert_interrupted_before_the_load(&run);
}

#[test]
fn a_signal_while_mcp_gen_waits_for_its_start_ends_it_too() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} --start-at $(date -d '+1 hour' +%s) 2> said | (trap '' INT; exec tee run.jsonl) | mcp-report --json report.json",
        server.ws()
    ))
    .outlives_signals()
    .start();
    running.until_written("said", "starts in");
    running.until_written("run.jsonl", r#""type":"start""#);
    running.signal(SIGINT);
    let run = running.finish();
    run.assert_stages(&[130, 0, 130]);
    assert_interrupted_before_the_load(&run);
}

/// The stream is whole all the same: it says that nothing was made.
#[track_caller]
fn assert_interrupted_before_the_load(run: &Finished) {
    let verdict = run.verdict("report.json");
    assert_eq!(verdict["verdict"], "NONE", "{verdict}");
    assert!(!run.text().contains("torn"), "{}", run.text());
    let stream = run.recorded("run.jsonl");
    assert_eq!(stream.totals()["scheduled"], 0);
    assert_eq!(stream.only("mcp-gen", "target")["type"], "target");
    assert_eq!(stream.only("mcp-gen", "end")["why"], "interrupted");
}

#[test]
fn a_signal_before_the_first_line_has_come_ends_every_stage() {
    let running =
        Pipeline::new("sleep 60 | mcp-chaos | mcp-gen | mcp-scrape | mcp-report; echo went on")
            .outlives_signals()
            .start();
    pipe_tests::until("five stages", pipe_tests::PATIENCE, || {
        let all = running.processes();
        // A stage that has not installed its handlers yet would just die, as it should, and prove nothing.
        ["mcp-chaos", "mcp-gen", "mcp-scrape", "mcp-report"]
            .iter()
            .all(|tool| {
                all.iter()
                    .any(|p| p.command == *tool && catches(p.pid, SIGINT))
            })
    });
    running.signal(SIGINT);
    let run = running.finish();
    assert!(
        run.stderr.is_empty() || !run.stderr.contains("panicked"),
        "{}",
        run.stderr
    );
}

/// Whether a process has a handler for this signal.
fn catches(pid: i32, signal: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
    let mask = caught.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// With calls that take long, the first signal has something to wait for.
const SLOW_TOOL: &str = r#"--tool slow --args 'slow={"ms":50000}'"#;

#[test]
fn a_second_signal_ends_at_once_and_leaves_no_process() {
    let running = Pipeline::new(format!(
        "mcp-deploy local -n 1 | mcp-gen {LOAD} {SLOW_TOOL} --for 60s --timeout 55s --grace 55s \
         | mcp-scrape | tee -i run.jsonl | mcp-report"
    ))
    .outlives_signals()
    .patience(Duration::from_secs(25))
    .start();
    running.until_written("run.jsonl", r#""tool":"slow""#);
    running.signal(SIGINT);
    // The generator says so when it has begun to drain.
    pipe_tests::until("the drain", pipe_tests::PATIENCE, || {
        running.stderr().contains("no more calls are started")
    });
    running.signal(SIGINT);
    let run = running.finish();
    assert_eq!(run.stages.len(), 5, "{:?}", run.stages);
    assert_eq!(&run.stages[1..3], [130, 130], "{}", run.stderr);
    assert_eq!(run.stages[4], 130, "{}", run.stderr);
}

#[test]
fn calls_in_flight_at_a_signal_may_finish_within_the_grace_time_and_the_rest_is_cancelled() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} {LOAD} {SLOW_TOOL} --for 60s --timeout 60s --grace 300ms \
         | tee -i run.jsonl | mcp-report",
        server.ws()
    ))
    .outlives_signals()
    .start();
    // An interval in which calls were sent.
    running.until_written("run.jsonl", r#""tool":"slow""#);
    running.signal(SIGINT);
    let run = running.finish();
    run.assert_stages(&[130, 0, 130]);
    let stream = run.recorded("run.jsonl");
    let totals = stream.totals();
    assert!(totals["errors"]["cancelled"].as_u64() > Some(0), "{totals}");
    assert_eq!(
        totals["errors"].as_object().map(|e| e.len()),
        Some(1),
        "{totals}"
    );
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for (name, signal) in [("INT", SIGINT), ("HUP", SIGHUP), ("TERM", SIGTERM)] {
        let running = Pipeline::new(format!(
            "trap '' {name}; mcp-deploy local -n 1 | mcp-chaos | mcp-gen {LOAD} --for 800ms | mcp-scrape \
             | tee run.jsonl | mcp-report --json report.json"
        ))
        .start();
        running.until_load("run.jsonl");
        running.signal(signal);
        let run = running.finish();
        run.assert_stages_and_report(&[0; 5], "report.json");
        let stream = run.recorded("run.jsonl");
        assert_eq!(stream.only("mcp-gen", "end")["why"], "done");
        assert_eq!(stream.totals()["scheduled"], 120, "3 clients, 50/s, 0.8 s");
    }
}

#[test]
fn a_signal_to_mcp_gen_alone_ends_the_run_in_good_order() {
    let running = Pipeline::new(whole("--for 60s")).outlives_signals().start();
    running.until_calls("run.jsonl");
    running.signal_one(running.stage("mcp-gen"), SIGINT);
    let run = running.finish();
    assert_eq!(run.stages[2], 130, "{:?}", run.stages);
    let stream = run.recorded("run.jsonl");
    assert_eq!(stream.only("mcp-gen", "end")["why"], "interrupted");
    assert_eq!(stream.only("mcp-scrape", "end")["why"], "done");
    // mcp-report was not signalled, but a partial run is not judged.
    assert_eq!(
        run.verdict("report.json")["verdict"],
        "NONE",
        "{}",
        run.text()
    );
}
