//! What the README shows runs as it stands there: its recipes on a stream of ours, its first pipe, its baseline.

use pipe_tests::{Pipeline, Server};

const README: &str = include_str!("../../README.md");

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
        script.push_str(&format!(
            "( set -euo pipefail\n{recipe}\n) > out.{i} || exit 1{i}\n[ -s out.{i} ] || exit 2{i}\n"
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

#[test]
fn the_gates_of_the_readme_are_judged() {
    let gates = &blocks("Gates")[0];
    // 2,400 calls/s are asked for there, and this test makes fewer.
    let gates = gates.replace("2400/s", "100/s");
    let script = format!(
        "mcp-deploy local --replicas 2 | mcp-gen -q --clients 25 --rate 100/s --connect-for 300ms --for 3s > run.jsonl || exit 9\n{gates}\n"
    );
    let finished = Pipeline::new(script).run();
    let text = finished.text();
    assert!(
        text.contains("4 of 4 gates passed"),
        "{text}\n{}",
        finished.stderr
    );
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
    let finished = Pipeline::new(format!("{first}\n[ -s run.jsonl ]")).run();
    assert!(
        finished.text().contains("1 of 1 gates"),
        "{}\n{}",
        finished.text(),
        finished.stderr
    );
}
