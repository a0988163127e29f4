//! What the README shows runs as it stands there: its recipes on a stream of ours, its first pipe, its baseline.

use pipe_tests::{Finished, Pipeline, Server};

const README: &str = include_str!("../../../README.md");

/// The bash blocks under a heading of the README.
fn blocks(heading: &str) -> Vec<String> {
    let section = README
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("the README has a section {heading:?}"))
        .1;
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .split("```bash\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

#[test]
fn every_recipe_runs_as_written_and_says_something() {
    let server = Server::start(&[]);
    let recipes = blocks("Recipes");
    assert!(recipes.len() >= 7, "{recipes:?}");
    let url = server.http();
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
    // One folder for all: a recipe reads what the first pipe of the README has left, here a shorter run of it.
    let mut script = String::from(
        "mcp-deploy local --replicas 2 | mcp-gen -q --clients 25 --rate 100/s --connect-for 300ms --for 3s > run.jsonl || exit 9\n",
    );
    for (i, recipe) in recipes.iter().enumerate() {
        let recipe = recipe.replace("127.0.0.1:5555", address);
        // 3 is INVALID: a busy machine can make it so, and the recipe has run all the same.
        script.push_str(&format!(
            "( set -euo pipefail\n{recipe}\n) > out.{i} || (( $? == 3 )) || exit 1{i}\n[ -s out.{i} ] || exit 2{i}\n"
        ));
    }
    let finished = Pipeline::new(script).run();
    assert!(
        finished.status.success(),
        "{:?}: {}",
        finished.status,
        finished.stderr
    );
}

/// As written but for the server's address, and for minutes that a test has not.
#[test]
fn every_load_of_the_readme_runs_and_is_reported() {
    // The knee of one that does 800 calls a second is soon found.
    let (server, slow) = (
        Server::start(&[]),
        Server::start(&["--latency", "5ms", "--workers", "4"]),
    );
    let loads = blocks("Your load");
    assert!(loads.len() >= 5, "{loads:?}");
    for load in loads {
        let url = if load.contains("--find-knee") {
            slow.http()
        } else {
            server.http()
        };
        let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
        let mut load = load.replace("127.0.0.1:5555", address);
        for (long, short) in [
            ("--for 60s", "--for 1s"),
            ("--for 30s", "--for 1s"),
            (
                "'0..500 clients in 5m, hold 3m, ..25 in 2m'",
                "'0..20 clients in 1s, hold 1s, ..5 in 1s' --rate 5/s",
            ),
            ("200ms'", "200ms' --knee-from 600/s --knee-step 500ms"),
            ("--idle 1000", "--idle 20"),
        ] {
            load = load.replace(long, short);
        }
        let finished = Pipeline::new(load.replace("mcp-gen", "mcp-gen --connect-for 300ms")).run();
        // 3 is INVALID, which a busy machine may be.
        let code = finished.status.code();
        assert!(
            code == Some(0) || code == Some(3),
            "{load}: {:?}: {}",
            finished.status,
            finished.stderr
        );
        assert!(
            finished.text().contains("Stage"),
            "{load}: {}",
            finished.text()
        );
    }
}

/// Every fault of these examples begins and ends in a load of 8 s.
#[test]
fn the_faults_of_the_readme_are_applied_and_taken_back() {
    let examples = blocks("Your faults");
    assert_eq!(examples.len(), 2, "{examples:?}");
    for example in examples {
        let mut script = example;
        for (long, short) in [
            ("kill@5s", "kill@1s"),
            ("@15s+5s", "@3s+1s"),
            ("@10s+20s", "@2s+2s"),
            ("every=5s@1s", "every=2s@1s"),
            ("mcp-gen --for 30s", "mcp-gen --connect-for 300ms --for 8s"),
            ("| mcp-report", "| tee -i run.jsonl | mcp-report"),
        ] {
            script = script.replace(long, short);
        }
        let finished = Pipeline::new(script.replace("tee -i run.jsonl | tee -i", "tee -i")).run();
        let stages = &finished.stages[..finished.stages.len() - 1];
        assert!(
            stages.iter().all(|&s| s == 0),
            "{stages:?}: {}",
            finished.stderr
        );
        let stream = finished.recorded("run.jsonl");
        let of = |state: &str| {
            let faults = stream.of("fault").into_iter();
            faults.filter(|f| f["state"] == state).count()
        };
        assert!(of("began") >= 2, "{}", finished.stderr);
        assert_eq!(
            (of("ended"), of("failed")),
            (of("began"), 0),
            "{}",
            finished.stderr
        );
    }
}

/// Every gate of the report was judged by a value. Which way is the machine's affair: the README promises no latency.
fn assert_judged(finished: &Finished, gates: usize) {
    let report = finished.verdict("report.json");
    let judged = report["gates"].as_array().expect("gates");
    assert_eq!(judged.len(), gates, "{report}");
    for gate in judged {
        let judged = gate["state"] == "pass" || gate["state"] == "fail";
        assert!(
            judged && gate["value"].is_number(),
            "{gate}\n{}",
            finished.stderr
        );
    }
    assert!(
        finished.text().contains(&format!("of {gates} gates")),
        "{}",
        finished.text()
    );
}

#[test]
fn the_gates_of_the_readme_are_judged() {
    let gates = &blocks("Gates")[0];
    // 2,400 calls/s are asked for there, and this test makes fewer.
    let gates = gates.replace("2400/s", "100/s");
    let script = format!(
        "mcp-deploy local --replicas 2 | mcp-gen -q --clients 25 --rate 100/s --connect-for 300ms --for 3s > run.jsonl || exit 9\n{gates}\n"
    );
    assert_judged(&Pipeline::new(script).run(), 4);
}

#[test]
fn the_first_pipe_of_the_readme_gives_a_verdict() {
    let first = README
        .split("```bash\n")
        .nth(1)
        .and_then(|rest| rest.split_once("\n```"))
        .map(|(block, _)| block);
    let first = first
        .unwrap_or_default()
        .replace("--for 30s", "--for 2s --connect-for 300ms");
    assert!(first.contains("mcp-deploy local"), "{first}");
    let finished = Pipeline::new(format!(
        "{} --json report.json\nstatus=$?\n[ -s run.jsonl ] || status=99\n(exit $status)",
        first.trim_end()
    ))
    .run();
    assert_judged(&finished, 1);
}
