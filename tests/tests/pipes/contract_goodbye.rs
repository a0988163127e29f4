//! A reader that leaves is a goodbye: everyone winds down, says nothing, exits with 0 and leaves no process.

use pipe_tests::{Pipeline, Server};
use std::time::Duration;

const LOAD: &str = "--clients 3 --rate 30/s --connect-for 200ms --warmup 0s -q";

/// Runs a pipeline that ends in `head -N`, and wants 0 and silence of every stage, long before --for is over.
#[track_caller]
fn is_quiet(script: &str, lines: usize) {
    let run = Pipeline::new(script)
        .patience(Duration::from_secs(20))
        .run();
    assert_eq!(run.stderr, "", "{script}");
    run.assert_stages(&vec![0; run.stages.len()]);
    assert_eq!(run.status.code(), Some(0), "{script}");
    assert_eq!(run.stream().lines.len(), lines, "{script}");
}

#[test]
fn head_after_mcp_deploy_local_ends_it_quietly() {
    for n in [1, 3] {
        is_quiet(&format!("mcp-deploy -q local -n 2 | head -{n}"), n);
    }
}

#[test]
fn head_after_mcp_deploy_attach_ends_it_quietly() {
    let (a, b) = (Server::start(&[]), Server::start(&[]));
    for n in [1, 3] {
        is_quiet(
            &format!("mcp-deploy -q attach {} {} | head -{n}", a.http(), b.ws()),
            n,
        );
    }
}

#[test]
fn head_after_a_filter_ends_what_stands_upstream_quietly() {
    for tool in pipe_tests::FILTERS {
        for n in [1, 3] {
            is_quiet(
                &format!("mcp-deploy -q local -n 2 | {tool} -q | head -{n}"),
                n,
            );
        }
    }
}

#[test]
fn head_after_mcp_gen_as_the_first_stage_ends_it_quietly() {
    let server = Server::start(&[]);
    for n in [1, 3] {
        is_quiet(
            &format!("mcp-gen --url {} {LOAD} | head -{n}", server.http()),
            n,
        );
    }
}

#[test]
fn head_after_mcp_gen_in_the_middle_ends_the_servers_too() {
    for n in [1, 3, 12] {
        is_quiet(
            &format!(
                "mcp-deploy -q local -n 2 | mcp-chaos -q | mcp-gen {LOAD} --for 60s | mcp-scrape -q | head -{n}"
            ),
            n,
        );
    }
}

#[test]
fn head_in_the_middle_lets_the_stages_behind_read_to_their_end() {
    let run =
        Pipeline::new("mcp-deploy -q local -n 2 | mcp-chaos -q | head -3 | mcp-scrape -q").run();
    assert_eq!(run.stderr, "");
    run.assert_stages(&[0, 0, 0, 0]);
    let stream = run.stream();
    assert_eq!(stream.only("mcp-scrape", "end")["forwarded"], 3);
}

#[test]
fn head_after_the_report_leaves_its_verdict_as_it_is() {
    for n in [1, 3] {
        let run = Pipeline::new(format!(
            "mcp-deploy -q local -n 2 | mcp-gen {LOAD} --for 300ms | mcp-report -q --json report.json; \
             (exit ${{PIPESTATUS[2]}}) | head -{n}"
        ))
        .run();
        assert_eq!(run.stderr, "");
        assert_eq!(run.stages[1], 0);
    }
}

#[test]
fn help_into_a_reader_that_leaves_is_quiet() {
    for tool in [
        "mcp-deploy",
        "mcp-chaos",
        "mcp-gen",
        "mcp-scrape",
        "mcp-report",
    ] {
        let run = Pipeline::new(format!("{tool} --help | head -1")).run();
        assert_eq!(run.stderr, "", "{tool}");
        run.assert_stages(&[0, 0]);
    }
}

#[test]
fn a_command_substitution_around_mcp_deploy_returns() {
    let run = Pipeline::new("timeout 20 bash -c 'x=$(mcp-deploy local 2>&1 | head -1)'").run();
    run.assert_stages(&[0]);
}

#[test]
fn a_reader_that_leaves_an_idle_producer_is_noticed() {
    // 1 start, 2 targets and ready; after that mcp-deploy has nothing to write for as long as nothing happens.
    let run = Pipeline::new(
        "mcp-deploy -q local -n 2 | mcp-chaos -q | (head -5 > /dev/null; exec <&-; sleep 1)",
    )
    .patience(Duration::from_secs(20))
    .run();
    assert_eq!(run.stderr, "");
    run.assert_stages(&[0, 0, 0]);
}

#[test]
fn a_full_disk_is_no_goodbye_but_a_failure_with_a_sentence() {
    let server = Server::start(&[]);
    for first in [
        format!("mcp-gen --url {} {LOAD} --for 300ms", server.http()),
        "echo '{}' | mcp-chaos".to_owned(),
        // Noticed while the stream still goes on.
        "(echo '{}'; sleep 2) | mcp-scrape".to_owned(),
        format!("mcp-deploy attach {}", server.http()),
        "mcp-deploy local -n 1".to_owned(),
    ] {
        let run = Pipeline::new(format!("{first} > /dev/full")).run();
        assert_eq!(run.status.code(), Some(2), "{first}: {}", run.stderr);
        assert!(
            run.stderr.contains("No space left on device"),
            "{first}: {}",
            run.stderr
        );
    }
}
