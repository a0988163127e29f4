//! The instants that times count from: t0, the first byte of traffic, the begins of stages, and the steady state.

use crate::plan::timing::Anchor;
use record::clock;
use record::kind::{Ready, Stage};
use std::collections::HashMap;

/// Stages that are remembered; a search for a knee makes three for each of its steps.
const MAX_STAGES: usize = 10_000;

/// What is known so far, in microseconds of CLOCK_MONOTONIC.
#[derive(Debug, Default)]
pub struct Instants {
    /// t0, and the same in Unix microseconds.
    t0: Option<(u64, u64)>,
    traffic: Option<u64>,
    stages: HashMap<String, u64>,
    /// With a steady state, nothing counts from an earlier instant than the one at which it was there.
    steady: Option<u64>,
}

impl Instants {
    /// Takes t0 from a record. On another boot than ours its Unix time counts.
    pub fn ready(&mut self, ready: &Ready) {
        let mono_us = if ready.boot_id == clock::boot_id() {
            ready.t0_mono_us
        } else {
            to_mono(ready.t0_us)
        };
        self.t0 = Some((mono_us, ready.t0_us));
    }

    /// A stage began; the first of its name counts, where several generators tell.
    pub fn stage(&mut self, stage: &Stage) {
        // Stages are planned from t0, and so is what they are told with: no step of the clock comes in between.
        let mono_us = match self.t0 {
            Some((mono_us, unix_us)) => {
                mono_us.saturating_add_signed(stage.start_us.wrapping_sub(unix_us) as i64)
            }
            None => to_mono(stage.start_us),
        };
        if self.stages.len() < MAX_STAGES {
            self.stages.entry(stage.stage.clone()).or_insert(mono_us);
        }
    }

    /// The first byte went through a proxy.
    pub fn traffic(&mut self, mono_us: u64) {
        self.traffic.get_or_insert(mono_us);
    }

    /// The steady state was there.
    pub fn steady(&mut self, mono_us: u64) {
        self.steady = Some(mono_us);
    }

    /// t0, in microseconds of CLOCK_MONOTONIC.
    #[must_use]
    pub fn t0_us(&self) -> Option<u64> {
        self.t0.map(|(mono_us, _)| mono_us)
    }

    /// The stages that have begun.
    #[must_use]
    pub fn stages(&self) -> Vec<&str> {
        let mut stages: Vec<(u64, &str)> = self
            .stages
            .iter()
            .map(|(name, &at)| (at, name.as_str()))
            .collect();
        stages.sort_unstable();
        stages.into_iter().map(|(_, name)| name).collect()
    }

    /// The instant that a fault's times count from; `None` as long as it has not come.
    #[must_use]
    pub fn of(&self, anchor: &Anchor) -> Option<u64> {
        let own = match anchor {
            Anchor::T0 => self.t0_us(),
            Anchor::Traffic => self.traffic,
            Anchor::Stage(name) => self.stages.get(name).copied(),
        }?;
        Some(own.max(self.steady.unwrap_or(0)))
    }
}

/// A Unix instant on CLOCK_MONOTONIC, as the two clocks stand now.
fn to_mono(unix_us: u64) -> u64 {
    clock::mono_us().saturating_add_signed(unix_us.wrapping_sub(clock::unix_us()) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_lie_where_t0_puts_them_and_a_steady_state_moves_what_was_earlier() {
        let mut instants = Instants::default();
        assert_eq!(instants.of(&Anchor::T0), None);
        instants.ready(&Ready {
            t0_us: 5_000_000,
            t0_mono_us: 100,
            boot_id: clock::boot_id(),
            generators: None,
        });
        assert_eq!(instants.of(&Anchor::T0), Some(100));
        for (name, start_us) in [("steady", 7_000_000), ("connect", 5_000_000), ("steady", 9)] {
            instants.stage(&Stage {
                stage: name.to_owned(),
                start_us,
                ..Stage::default()
            });
        }
        let steady = Anchor::Stage("steady".to_owned());
        assert_eq!(instants.of(&steady), Some(2_000_100));
        assert_eq!(instants.stages(), ["connect", "steady"]);
        assert_eq!(instants.of(&Anchor::Traffic), None);
        instants.steady(1_000);
        assert_eq!(instants.of(&Anchor::T0), Some(1_000));
        assert_eq!(instants.of(&steady), Some(2_000_100));
    }

    #[test]
    fn on_another_boot_the_time_of_day_counts() {
        let mut instants = Instants::default();
        instants.ready(&Ready {
            t0_us: clock::unix_us() - 1_000_000,
            t0_mono_us: 3,
            boot_id: "another".to_owned(),
            generators: None,
        });
        let ago = clock::mono_us().abs_diff(instants.t0_us().unwrap());
        assert!((900_000..60_000_000).contains(&ago), "{ago}");
    }
}
