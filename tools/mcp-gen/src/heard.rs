//! What clients heard besides the answers to their calls, as one cell of the books holds it.

use record::{Histogram, kind};

/// The notifications of MCP that a server may send, and `other`.
const KINDS: [&str; 10] = [
    "resources/updated",
    "progress",
    "message",
    "resources/list_changed",
    "tools/list_changed",
    "prompts/list_changed",
    "subscriptions/acknowledged",
    "elicitation/complete",
    "cancelled",
    "other",
];

/// Which notification it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(usize);

impl Kind {
    /// `notifications/resources/updated`.
    pub const UPDATED: Self = Self(0);
    /// `notifications/progress`.
    pub const PROGRESS: Self = Self(1);
    /// `notifications/subscriptions/acknowledged`.
    pub const ACKNOWLEDGED: Self = Self(6);

    /// That of a method; a server may make up any.
    #[must_use]
    pub fn of(method: &str) -> Self {
        let name = method.strip_prefix("notifications/");
        let known = name.and_then(|name| KINDS.iter().position(|kind| *kind == name));
        Self(known.unwrap_or(KINDS.len() - 1))
    }
}

/// Counts and times; see [`kind::Heard`].
#[derive(Clone, Debug, Default)]
pub struct Heard {
    notifications: [u64; KINDS.len()],
    /// Progress whose token belongs to no call in flight.
    pub unknown_progress: u64,
    /// Subscriptions that were accepted.
    pub subscribed: u64,
    /// Subscriptions that were not.
    pub subscriptions_refused: u64,
    /// Subscriptions that ended by themselves.
    pub subscriptions_lost: u64,
    /// Answers to calls that were cancelled before.
    pub late_answers: u64,
    /// Change to read.
    pub notification: Option<Box<Histogram>>,
    /// Between two updates at one client.
    pub notification_gap: Option<Box<Histogram>>,
    /// Between two notifications of progress of one call.
    pub progress_gap: Option<Box<Histogram>>,
}

impl Heard {
    /// Counts a notification.
    pub fn note(&mut self, kind: Kind) {
        self.notifications[kind.0] += 1;
    }

    /// Adds what was heard at another time or by others.
    pub fn add(&mut self, other: &Self) {
        for (a, b) in self.notifications.iter_mut().zip(other.notifications) {
            *a += b;
        }
        for (a, b) in [
            (&mut self.unknown_progress, other.unknown_progress),
            (&mut self.subscribed, other.subscribed),
            (&mut self.subscriptions_refused, other.subscriptions_refused),
            (&mut self.subscriptions_lost, other.subscriptions_lost),
            (&mut self.late_answers, other.late_answers),
        ] {
            *a += b;
        }
        for (a, b) in [
            (&mut self.notification, &other.notification),
            (&mut self.notification_gap, &other.notification_gap),
            (&mut self.progress_gap, &other.progress_gap),
        ] {
            if let Some(b) = b {
                a.get_or_insert_default().add(b);
            }
        }
    }

    /// As it stands in intervals and summaries.
    #[must_use]
    pub fn record(&self) -> kind::Heard {
        let whole = |h: &Option<Box<Histogram>>| h.as_deref().map(Histogram::with_hdr);
        let counts = KINDS.iter().zip(self.notifications);
        kind::Heard {
            notifications: counts
                .filter(|(_, n)| *n > 0)
                .map(|(kind, n)| ((*kind).to_owned(), n))
                .collect(),
            unknown_progress: self.unknown_progress,
            subscribed: self.subscribed,
            subscriptions_refused: self.subscriptions_refused,
            subscriptions_lost: self.subscriptions_lost,
            late_answers: self.late_answers,
            notification: whole(&self.notification),
            notification_gap: whole(&self.notification_gap),
            progress_gap: whole(&self.progress_gap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_that_nobody_knows_share_a_name_and_sums_keep_all() {
        let mut heard = Heard::default();
        for method in [
            "notifications/resources/updated",
            "notifications/made/up",
            "other",
            "progress",
        ] {
            heard.note(Kind::of(method));
        }
        let mut sum = heard.clone();
        sum.add(&heard);
        let names: Vec<(String, u64)> = sum.record().notifications.into_iter().collect();
        assert_eq!(
            names,
            [("other".to_owned(), 6), ("resources/updated".to_owned(), 2)]
        );
        assert_eq!(Kind::of("notifications/progress"), Kind::PROGRESS);
        assert_eq!(
            Kind::of("notifications/subscriptions/acknowledged"),
            Kind::ACKNOWLEDGED
        );
    }
}
