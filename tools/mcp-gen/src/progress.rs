//! The progress bar: on stderr, only where that is a terminal, and out of the way of what is said there.

use crate::collect::Latest;
use indicatif::{ProgressBar, ProgressStyle};
use record::units::show_us;
use record::{Say, clock};
use std::io::IsTerminal as _;
use std::time::Duration;

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

    /// Shows where the run stands.
    pub fn show(&self, stage: &str, asked_per_s: Option<f64>, latest: &Latest) {
        let Some(bar) = &self.bar else { return };
        let elapsed = Duration::from_nanos(clock::mono_ns().saturating_sub(self.start_ns));
        bar.set_position(elapsed.as_millis() as u64);
        bar.set_prefix(stage.to_owned());
        let r = &latest.response;
        let asked = asked_per_s.map_or_else(String::new, |asked| format!(" of {asked:.0}"));
        bar.set_message(if r.is_empty() {
            format!("{} connections", latest.connections)
        } else {
            format!(
                "{:.0}{asked}/s  p50 {}  p99 {}  errors {}",
                latest.ok_per_s,
                show_us(r.quantile_us(0.5)),
                show_us(r.quantile_us(0.99)),
                latest.errors
            )
        });
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
