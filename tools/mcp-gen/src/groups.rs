//! Groups: the clients of one profile each, beside each other in one run.

use crate::abuse::Shares;
use crate::idle::Crowd;
use crate::profile::{Comings, Profile, SlowRead};
use crate::think::Think;
use std::time::Duration;

/// The clients of one profile. Times are nanoseconds.
#[derive(Clone, Debug)]
pub struct Group {
    /// The profile's name, for records.
    pub profile: String,
    /// How many clients.
    pub clients: u32,
    /// The first one's number in the run.
    pub first: u32,
    /// This group's part of all calls of the run, from 0 to 1.
    pub share: f64,
    /// Whether its clients make no calls.
    pub is_idle: bool,
    /// Closed model: how long its users think.
    pub think: Think,
    /// How long connections live, and clients stay away.
    pub comings: Comings,
    /// Sent to given up.
    pub timeout_ns: u64,
    /// How often its clients' calls are joined by bad behaviour.
    pub abuse: Shares,
    /// How slowly sockets are read, where not at once.
    pub slow_read: Option<SlowRead>,
    /// How many calls leave in one message at most: 1 is no batch.
    pub batch: u32,
    /// Which calls are cancelled, where some are.
    pub cancel: Option<Cancel>,
}

/// Calls that clients cancel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cancel {
    /// Their share of all calls, above 0 and up to 1.
    pub share: f64,
    /// How long they may take before.
    pub after_ns: u64,
}

/// All groups; a client's number tells its group, since each has its numbers in a row.
#[derive(Clone, Debug)]
pub struct Groups(Vec<Group>);

/// A call must have some time at all.
const LEAST_TIMEOUT: Duration = Duration::from_millis(1);

impl Groups {
    /// A group for each profile, and one for the idle crowd where there is one.
    #[must_use]
    pub fn new(profiles: &[Profile], idle: Crowd) -> Self {
        let per_s = |p: &Profile| p.rate_per_s * f64::from(p.clients);
        let total: f64 = profiles.iter().map(per_s).sum();
        let clients: u32 = profiles.iter().map(|p| p.clients).sum();
        // Where no profile has a rate of its own, clients share that of the run evenly.
        let share = |p: &Profile| match total {
            0.0 => f64::from(p.clients) / f64::from(clients),
            total => per_s(p) / total,
        };
        let mut first = 0;
        let groups = profiles.iter().map(|p| {
            let group = Group {
                profile: p.name.clone(),
                clients: p.clients,
                first,
                share: share(p),
                is_idle: false,
                think: p.think.unwrap_or(Think::NONE),
                comings: p.comings(),
                timeout_ns: p.timeout.max(LEAST_TIMEOUT).as_nanos() as u64,
                abuse: p.abuse,
                slow_read: p.slow_read,
                batch: p.batch,
                cancel: (p.cancel > 0.0).then_some(Cancel {
                    share: p.cancel,
                    after_ns: p.cancel_after.as_nanos() as u64,
                }),
            };
            first += p.clients;
            group
        });
        let mut groups: Vec<Group> = groups.collect();
        if idle.clients > 0 {
            groups.push(idle.group(first));
        }
        Self(groups)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Group] {
        &self.0
    }

    /// The group of client `number`, by its index.
    #[must_use]
    pub fn of(&self, number: u32) -> u16 {
        let after = self.0.partition_point(|g| g.first <= number);
        after.saturating_sub(1) as u16
    }

    /// The part of all calls of the run, from 0 to 1, that client `number` makes.
    #[must_use]
    pub fn share_of_client(&self, number: u32) -> f64 {
        let group = &self.0[usize::from(self.of(number))];
        group.share / f64::from(group.clients)
    }

    /// The longest timeout.
    #[must_use]
    pub fn longest_timeout_ns(&self) -> u64 {
        self.0.iter().map(|g| g.timeout_ns).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(clients: u32, rate: u32) -> Profile {
        let text = format!(
            "name = \"x\"\nclients = {clients}\nrate = \"{rate}/s\"\n[methods]\nping = 1\n"
        );
        Profile::parse("x", &text).expect("it is right")
    }

    #[test]
    fn each_client_belongs_to_one_group_and_all_shares_make_one() {
        let groups = Groups::new(
            &[profile(3, 10), profile(1, 60), profile(2, 5)],
            Crowd::default(),
        );
        let of: Vec<u16> = (0..6).map(|i| groups.of(i)).collect();
        assert_eq!(of, [0, 0, 0, 1, 2, 2]);
        let shares: Vec<f64> = (0..6).map(|i| groups.share_of_client(i)).collect();
        for (share, wanted) in shares.iter().zip([0.1, 0.1, 0.1, 0.6, 0.05, 0.05]) {
            assert!((share - wanted).abs() < 1e-12, "{shares:?}");
        }
    }
}
