//! What is told of a fault that began or ended over the API: a `fault` record, all but its distance from t0.

use record::clock;
use record::kind::Fault;

/// A record, and its instant on the monotonic clock, from which the director counts to t0.
#[derive(Debug, Clone, PartialEq)]
pub struct Told(Fault);

impl Told {
    /// A record of now.
    pub(super) fn now(fault: Fault) -> Self {
        Self(Fault {
            at_us: clock::unix_us(),
            mono_us: Some(clock::mono_us()),
            ..fault
        })
    }

    /// The record, beside a t0 (CLOCK_MONOTONIC, µs) where there is one.
    #[must_use]
    pub fn record(self, t0_us: Option<u64>) -> Fault {
        let since = |t0_us: u64| Some(self.0.mono_us?.wrapping_sub(t0_us) as i64);
        Fault {
            t_us: t0_us.and_then(since),
            ..self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_counts_from_t0_also_where_that_is_still_to_come() {
        let told = Told::now(Fault::default());
        let mono_us = told.0.mono_us.unwrap();
        assert_eq!(told.clone().record(None).t_us, None);
        assert_eq!(told.clone().record(Some(mono_us - 5)).t_us, Some(5));
        assert_eq!(told.record(Some(mono_us + 5)).t_us, Some(-5));
    }
}
