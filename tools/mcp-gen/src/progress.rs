//! The progress bar: on stderr, only where that is a terminal, and out of the way of what is said there.

use crate::collect::Latest;
use indicatif::{ProgressBar, ProgressStyle};
use record::units::show_us;
use record::{Say, clock};
use std::io::IsTerminal as _;
use std::time::Duration;

/// The figures of an interval. What was due in an earlier one may still be answered where no calls are asked for.
fn figures(latest: &Latest) -> String {
    let r = &latest.response;
    if r.is_empty() {
        return format!("{} connections", latest.connections);
    }
    let asked = match latest.asked_per_s {
        Some(asked) if asked > 0.0 => format!(" of {asked:.0}"),
        _ => String::new(),
    };
    format!(
        "{:.0}{asked}/s  p50 {}  p99 {}  errors {}",
        latest.ok_per_s,
        show_us(r.quantile_us(0.5)),
        show_us(r.quantile_us(0.99)),
        latest.errors
    )
}

/// A bar from t0 to the end of the load.
pub struct Progress {
    bar: Option<ProgressBar>,
    start_ns: u64,
}

impl Progress {
    /// A bar, unless `--quiet` or stderr is no terminal.
    #[must_use]
    pub fn new(say: &Say, start_ns: u64, end_ns: u64) -> Self {
        let wanted = !say.is_quiet() && std::io::stderr().is_terminal();
        let bar = wanted.then(|| {
            let bar = ProgressBar::new((end_ns - start_ns) / 1_000_000);
            if let Ok(style) =
                ProgressStyle::with_template("{prefix:>8} {elapsed} [{wide_bar:.cyan/dim}] {msg}")
            {
                bar.set_style(style.progress_chars("=> "));
            }
            let lifted = bar.clone();
            say.set_around(move |write| lifted.suspend(write));
            bar
        });
        Self { bar, start_ns }
    }

    /// The load ends later than was known.
    pub fn lengthen(&self, end_ns: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(end_ns.saturating_sub(self.start_ns) / 1_000_000);
        }
    }

    /// Shows where the run stands: the stage of this instant, and the figures of the last interval, which may be of
    /// another one.
    pub fn show(&self, stage: &str, latest: &Latest) {
        let Some(bar) = &self.bar else { return };
        let elapsed = Duration::from_nanos(clock::mono_ns().saturating_sub(self.start_ns));
        bar.set_position(elapsed.as_millis() as u64);
        bar.set_prefix(stage.to_owned());
        bar.set_message(figures(latest));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_a_pause_are_not_held_against_a_rate_of_nothing() {
        let mut latest = Latest {
            ok_per_s: 104.0,
            ..Latest::default()
        };
        assert_eq!(figures(&latest), "0 connections");
        latest.response.record(1_000);
        for (asked_per_s, begin) in [
            (Some(0.0), "104/s"),
            (None, "104/s"),
            (Some(250.0), "104 of 250/s"),
        ] {
            latest.asked_per_s = asked_per_s;
            assert!(figures(&latest).starts_with(begin), "{}", figures(&latest));
        }
    }
}
