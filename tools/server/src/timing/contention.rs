//! How calls slow each other down, written `0.02,0.0005`: the σ and κ of the Universal Scalability Law.

use std::str::FromStr;

use super::SpecError;

/// With n calls in service at its start (itself included), a call takes 1 + σ(n−1) + κn(n−1) times
/// as long (Gunther, *A General Theory of Computational Scalability*, 2008).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contention {
    /// σ, waiting for what is shared: 0 to 1.
    pub sigma: f64,
    /// κ, agreeing with each other: 0 to 1.
    pub kappa: f64,
}

impl Contention {
    pub(crate) fn factor(self, in_service: usize) -> f64 {
        let n = in_service as f64;
        1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0)
    }
}

impl FromStr for Contention {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let share = |text: &str| {
            let value = text.trim().parse::<f64>().ok()?;
            (0.0..=1.0).contains(&value).then_some(value)
        };
        text.split_once(',')
            .and_then(|(sigma, kappa)| {
                Some(Self {
                    sigma: share(sigma)?,
                    kappa: share(kappa)?,
                })
            })
            .ok_or_else(|| SpecError {
                text: text.to_owned(),
                what: "contention",
                expected: "write sigma,kappa, each from 0 to 1, for instance 0.02,0.0005",
            })
    }
}
