//! The API on paper: bytes in, bytes out, without a socket and without a relay, so that it can be fuzzed.

use super::carrier::Carrier;
use super::desk::Desk;
use super::told::Told;
use super::types::{Stream, Type};
use super::{Callers, LIMITS};
use crate::proxy::{Applied, Shown, What};
use control::{Answer, Fault, Parsed};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An API whose proxies are only a list. One target of a pipeline is on it, `local-1`, with a fault of the plan, `f1`.
pub struct Paper {
    desk: Desk,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Default for Paper {
    fn default() -> Self {
        let made =
            Type::named("latency").and_then(|of| of.make(&[50.0, 0.0], Stream::Upstream, 1.0));
        let toxics = made.map(|made| Applied {
            id: "f1".to_owned(),
            what: What::Toxic(made.toxic),
            toxicity: 1.0,
            seed: 7,
            ramp: Duration::ZERO,
        });
        let target = Shown {
            name: "local-1".to_owned(),
            listen: (Ipv4Addr::LOCALHOST, 1_001).into(),
            upstream: (Ipv4Addr::LOCALHOST, 1_000).into(),
            enabled: true,
            toxics: toxics.into_iter().collect(),
            links: 0,
            accepted: 0,
            refused: 0,
        };
        let callers = Callers {
            is_local: true,
            token: None,
            token_option: "--api-token-file",
            what: "the proxies",
            local_option: "--api 127.0.0.1:8474",
        };
        let told = Arc::new(Mutex::new(Vec::new()));
        let ours = Arc::clone(&told);
        let tell = move |one| {
            ours.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(one)
        };
        Self {
            desk: Desk::new(callers, Carrier::Paper(vec![target]), 7, tell),
            told,
        }
    }
}

impl Paper {
    /// The answer to the bytes of a request, as they would go over the wire; nothing where they are only the begin of one.
    #[must_use]
    pub fn answer(&self, bytes: &[u8]) -> Vec<u8> {
        let answer = match control::request(bytes, &LIMITS) {
            Ok(Parsed::Whole(request)) => self.desk.answer(&request),
            Ok(Parsed::Partial { .. }) | Err(Fault::Gone) => return Vec::new(),
            Err(Fault::Bad(status, text)) => Answer::says(status, &text),
        };
        answer.to_wire().into_bytes()
    }

    /// What was told of meanwhile.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut told)
    }

    /// Takes back all that was put in.
    pub fn wind_down(&self) {
        self.desk.wind_down();
    }
}
