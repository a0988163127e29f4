//! The idle crowd: clients who connect, stay, and make no calls.

use crate::abuse::Shares;
use crate::groups::Group;
use crate::profile::{Comings, Leave, Profile};
use crate::think::Think;
use std::time::Duration;

/// What records call them.
pub const NAME: &str = "idle";

/// How the crowd behaves, where no flag says it.
const TIMEOUT: Duration = Duration::from_secs(10);
const RECONNECT_DELAY: Duration = Duration::from_millis(100);
const RECONNECT_JITTER: f64 = 0.5;

/// The idle crowd of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crowd {
    /// How many there are; 0 is none.
    pub clients: u32,
    /// How long each waits for its connection to be set up.
    pub timeout: Option<Duration>,
    /// How long each stays away after its connection has ended.
    pub reconnect_delay: Option<Duration>,
    /// How they leave at the end.
    pub leave: Leave,
}

impl Crowd {
    /// Its group, whose first client has the number `first`.
    #[must_use]
    pub fn group(&self, first: u32) -> Group {
        Group {
            profile: NAME.to_owned(),
            clients: self.clients,
            first,
            share: 0.0,
            is_idle: true,
            think: Think::NONE,
            comings: Comings {
                lifetime: None,
                lifetime_jitter: 0.0,
                calls: None,
                leave: self.leave,
                call_deleted: false,
                reconnect_delay: self.reconnect_delay.unwrap_or(RECONNECT_DELAY),
                reconnect_jitter: RECONNECT_JITTER,
            },
            timeout_ns: self.timeout.unwrap_or(TIMEOUT).as_nanos() as u64,
            slow_read: None,
            abuse: Shares::default(),
            batch: 1,
            cancel: None,
        }
    }

    /// Whether its rows could be told from those of the profiles.
    ///
    /// # Errors
    /// A sentence: a profile has its name.
    pub fn check(&self, profiles: &[Profile]) -> Result<(), String> {
        if self.clients > 0 && profiles.iter().any(|p| p.name == NAME) {
            return Err(format!(
                "a profile is called {NAME:?}, as the clients of --idle are in records: give it another name"
            ));
        }
        Ok(())
    }
}
