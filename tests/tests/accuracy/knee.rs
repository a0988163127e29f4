//! The knee: what --find-knee finds of a server whose capacity is known, the median of rounds where one is off.

use crate::judge::alone;
use pipe_tests::{Pipeline, Server};
use std::time::Duration;

/// Asserts that the knee of a server with these options is within 5 % of its capacity.
///
/// # Panics
/// Where it is not, in the median of five rounds.
pub fn hold(server: &[&str], capacity_per_s: f64, transport: &str, search: &str) {
    let _alone = alone();
    let mut found: Vec<f64> = Vec::new();
    for most in [1, 3, 5] {
        while found.len() < most {
            found.push(round(server, transport, search));
        }
        found.sort_by(f64::total_cmp);
        let median = found[found.len() / 2];
        println!("knee of {capacity_per_s}/s over {transport}: {found:?}, median {median}");
        if (median - capacity_per_s).abs() <= capacity_per_s * 0.05 {
            return;
        }
    }
    panic!("{found:?} found, and {capacity_per_s} is true");
}

fn round(server: &[&str], transport: &str, search: &str) -> f64 {
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
    // A round that a late generator cut short has found nothing.
    stream.totals()["knee"]["rate_per_s"]
        .as_f64()
        .unwrap_or(0.0)
}
