//! A generator that falls behind says so itself: what it did not make in time is shed, people are told, and the run is INVALID
//! and not the server's failure.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{Pipeline, Server, assert_conserved, assert_intervals_add_up};
use std::time::Duration;

#[test]
fn a_generator_that_was_held_up_sheds_calls_tells_of_it_and_no_gate_passes() {
    let server = Server::start(&[]);
    for url in [server.ws(), server.http()] {
        let running = Pipeline::new(format!(
            "mcp-gen --url {url} --clients 4 --rate 25/s --connect-for 300ms --warmup 0s --for 6s --interval 200ms \
             | tee run.jsonl | mcp-report --json report.json --fail-if 'p50 > 10s'"
        ))
        .start();
        running.until_calls("run.jsonl");
        let pid = running.stage("mcp-gen");
        running.signal_one(pid, libc::SIGSTOP);
        // The time for which it is held up is what is tested: the first 1.5 s of it are beyond what it makes good.
        std::thread::sleep(Duration::from_millis(2_500));
        running.signal_one(pid, libc::SIGCONT);
        let run = running.finish();
        run.assert_stages(&[0, 0, 3]);
        let stream = run.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        let totals = stream.totals();
        assert_eq!(totals["scheduled"], 600, "{totals}");
        let shed = totals["errors"]["shed"].as_u64().unwrap_or(0);
        assert!((100..=600).contains(&shed), "{totals}");
        assert!(
            totals["lag"]["max_us"].as_u64() >= Some(500_000),
            "{totals}"
        );
        let generator = &totals["generator"];
        assert!(
            generator["max_gap_us"].as_u64() >= Some(2_000_000),
            "{generator}"
        );
        assert!(generator["cpu_us"].as_u64() > Some(0), "{generator}");
        let told = stream.warnings("fell_behind");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0]["text"].as_str().unwrap().contains("shed"),
            "{told:?}"
        );
        let remedy = told[0]["remedy"].as_str().unwrap();
        assert!(remedy.contains("--threads"), "{remedy}");
        // It is said while it happens, and to people too.
        let (records, seq) = (stream.from("mcp-gen", "summary"), told[0]["seq"].as_u64());
        assert!(records.iter().all(|s| s["seq"].as_u64() > seq));
        assert!(run.stderr.contains("fallen behind"), "{}", run.stderr);
        let verdict = run.verdict("report.json");
        assert_eq!(verdict["verdict"], "INVALID", "{verdict}");
        let reasons = verdict["reasons"].to_string();
        assert!(
            reasons.contains("shed") || reasons.contains("schedule"),
            "{reasons}"
        );
    }
}
