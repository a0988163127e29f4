//! What clients of a group want to hear from a server without asking each time.

use crate::dice;
use crate::profile::Profile;
use protocol::client::Discovery;
use protocol::revision::Era;
use record::kind::Warning;

/// Subscriptions and log messages, as far as the server has them.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    /// The resources that clients may subscribe to.
    uris: Vec<String>,
    /// How many of them each client takes.
    count: usize,
    /// The share of the clients that subscribe.
    share: f64,
    /// What `logging/setLevel` is to say in each session.
    pub level: Option<&'static str>,
}

/// Tells these throws from others with the same seed.
const DICE: u64 = 1 << 43;

impl Hearing {
    /// What a profile wants of a server. What that has not is told.
    #[must_use]
    pub fn of(profile: &Profile, discovery: &Discovery, warnings: &mut Vec<Warning>) -> Self {
        let can = &discovery.server.capabilities;
        let mut hearing = Self::default();
        if let Some(wish) = &profile.subscribe {
            let resources = &discovery.catalogue.resources;
            let uris = resources
                .iter()
                .map(|r| &r.uri)
                .filter(|uri| wish.wants(uri));
            hearing.uris = uris.cloned().collect();
            (hearing.count, hearing.share) = (wish.count, wish.share);
            let why = if !can.subscriptions {
                Some("the server does not offer subscriptions to resources (the capability resources.subscribe), so nobody subscribes".to_owned())
            } else if hearing.uris.is_empty() {
                Some(format!(
                    "none of the server's {} resources is called {}, so nobody subscribes",
                    resources.len(),
                    wish.resources.join(" or ")
                ))
            } else {
                None
            };
            if let Some(why) = why {
                hearing.uris.clear();
                warnings.push(Warning::new("not_subscribed", why));
            }
        }
        if let Some(level) = profile.log_level {
            if !can.logging {
                let text = "the server does not offer log messages (the capability logging), so no level is set";
                warnings.push(Warning::new("no_log_messages", text.to_owned()));
            } else if discovery.dialect.era == Era::Legacy {
                hearing.level = Some(level.name());
            }
        }
        hearing
    }

    /// Whether there is nothing that anybody wants.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.uris.is_empty() && self.level.is_none()
    }

    /// The resources that client `client` subscribes to: each has its own beginning, so that few for each are all together.
    pub fn uris_of(&self, seed: u64, client: u32) -> impl Iterator<Item = &str> {
        let listens = dice::fraction(seed, u64::from(client) | DICE, 0) < self.share;
        let count = if listens {
            self.count.min(self.uris.len())
        } else {
            0
        };
        let first = client as usize % self.uris.len().max(1);
        let turns = self.uris.iter().cycle().skip(first).take(count);
        turns.map(String::as_str)
    }
}
