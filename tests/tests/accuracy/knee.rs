//! The knee: what --find-knee finds of a server whose capacity is known, in up to five rounds where one is off.

use crate::judge::alone;
use pipe_tests::{Pipeline, Server};
use std::time::Duration;

/// So many rounds are asked at most.
const ROUNDS: usize = 5;
/// What a hypervisor may take of the CPU time in a round that counts, in per cent: as much as in a valid run.
const MAX_STEAL_PERCENT: f64 = 5.0;

/// What a round found.
struct Round {
    rate_per_s: f64,
    /// Whether somebody else took the CPU away, or kept the generator from making the load.
    is_disturbed: bool,
}

/// Asserts that the knee of a server with these options is within 5 % of its capacity.
///
/// Who takes the CPU away can only make the server slower, so the highest of the rounds is nearest to the truth, and none
/// may lie above it.
///
/// # Panics
/// Where it is not so in five rounds, unless each of them was disturbed.
pub fn hold(server: &[&str], capacity_per_s: f64, transport: &str, search: &str) {
    let _alone = alone();
    let mut found = Vec::new();
    let mut disturbed = 0;
    for _ in 0..ROUNDS {
        let round = round(server, transport, search);
        println!(
            "knee of {capacity_per_s}/s over {transport}: {}/s{}",
            round.rate_per_s,
            if round.is_disturbed {
                ", disturbed"
            } else {
                ""
            }
        );
        assert!(
            round.rate_per_s <= capacity_per_s * 1.05,
            "more than the server can do"
        );
        if round.rate_per_s >= capacity_per_s * 0.95 {
            return;
        }
        disturbed += usize::from(round.is_disturbed);
        found.push(round.rate_per_s);
    }
    println!("unsteady: {disturbed} of {ROUNDS} searches for a knee were disturbed");
    assert_eq!(
        disturbed, ROUNDS,
        "{found:?} found, and {capacity_per_s} is true"
    );
}

fn round(server: &[&str], transport: &str, search: &str) -> Round {
    let server = Server::start(server);
    let url = match transport {
        "ws" => server.ws(),
        _ => server.http(),
    };
    let run = Pipeline::new(format!(
        "mcp-gen --url {url} --connect-for 1s --interval 200ms --seed 1 {search}"
    ))
    .patience(Duration::from_secs(300))
    .run();
    run.assert_stages(&[0]);
    println!("{}", run.stderr);
    let stream = run.stream();
    let (knee, generator) = (&stream.totals()["knee"], &stream.totals()["generator"]);
    Round {
        // A round that a late generator cut short may have found nothing.
        rate_per_s: knee["rate_per_s"].as_f64().unwrap_or(0.0),
        is_disturbed: knee["limited_by"] == "generator"
            || generator["steal_percent"].as_f64() > Some(MAX_STEAL_PERCENT),
    }
}
