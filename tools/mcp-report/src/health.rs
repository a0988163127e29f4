//! Whether the generators kept their schedule: without that the figures say nothing about the server.

use crate::gate::Judged;
use crate::outcome::SHED;
use crate::run::{Figures, Generator, Run};
use crate::show;
use record::Quantile;

/// Lag below this never matters.
const LAG_FLOOR_US: f64 = 1_000.0;
const MAX_SHED: f64 = 0.001;
const MIN_ACHIEVED: f64 = 0.99;
const MAX_GAP_US: u64 = 1_000_000;
const MAX_STEAL_PERCENT: f64 = 5.0;

/// Why the figures are the generators' and not the server's, a sentence each; empty when all kept their schedule.
/// Each generator is judged by itself: ten that are fine must not hide one that is not.
pub fn saturated(run: &Run, measured: &Figures, gates: &[Judged]) -> Vec<String> {
    let limit = lag_limit_us(measured, gates);
    let mut reasons = Vec::new();
    for (from, generator) in &run.generators {
        let mut sum = Figures::default();
        for (key, row) in run.rows_of(from, generator) {
            if key.is_calls() && run.is_measured(&key.stage) {
                sum.add_calls(&row);
            }
        }
        schedule(from, &sum, limit, &mut reasons);
        machine(from, generator, &mut reasons);
    }
    reasons
}

/// The lag p99 that is still believed: 1 ms, or a tenth of the smallest gated percentile; without one, of the p99.
fn lag_limit_us(measured: &Figures, gates: &[Judged]) -> f64 {
    let gated = gates
        .iter()
        .filter(|g| g.is_server_latency)
        .filter_map(|g| g.value)
        .reduce(f64::min);
    let percentile = gated.unwrap_or_else(|| {
        let p99 = Quantile::P99.of(&measured.response, 0).unwrap_or(0);
        if measured.response.is_empty() {
            0.0
        } else {
            p99 as f64
        }
    });
    LAG_FLOOR_US.max(percentile / 10.0)
}

fn schedule(from: &str, sum: &Figures, limit_us: f64, reasons: &mut Vec<String>) {
    let scheduled = sum.counts.scheduled;
    if scheduled == 0 {
        return;
    }
    let shed = sum.counts.errors.get(SHED).copied().unwrap_or(0);
    let lag = if sum.lag.is_empty() {
        0
    } else {
        Quantile::P99.of(&sum.lag, 0).unwrap_or(0)
    };
    let late = lag as f64 > limit_us;
    if late {
        reasons.push(format!(
            "{from} could not keep its schedule: lag p99 was {}, more than {}; raise --threads, lower the rate, or give it cores of its own",
            show::span(lag),
            show::latency(limit_us)
        ));
    }
    let share = shed as f64 / scheduled as f64;
    if share > MAX_SHED {
        reasons.push(format!(
            "{from} shed {} of {} calls ({}), since it was more than 1 s late; raise --threads or lower the rate",
            show::count(shed),
            show::count(scheduled),
            show::share(share)
        ));
    }
    let achieved = sum.counts.sent as f64 / scheduled as f64;
    // Calls that the server's slowness kept waiting are its own doing; those of a late generator are not.
    if achieved < MIN_ACHIEVED && (late || shed > 0) {
        reasons.push(format!(
            "{from} sent only {} of the calls that were due; raise --threads or lower the rate",
            show::share(achieved)
        ));
    }
}

fn machine(from: &str, generator: &Generator, reasons: &mut Vec<String>) {
    let Some(own) = generator.last.as_ref().and_then(|s| s.generator.as_ref()) else {
        return;
    };
    if own.max_gap_us > MAX_GAP_US {
        reasons.push(format!(
            "{from} stood still for {}; give it cores of its own, or more of them",
            show::span(own.max_gap_us)
        ));
    }
    if let Some(steal) = own.steal_percent.filter(|s| *s > MAX_STEAL_PERCENT) {
        reasons.push(format!(
            "the hypervisor took {steal:.1} % of the CPU time from {from}; measure on a quieter machine"
        ));
    }
}
