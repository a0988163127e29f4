//! What clients heard besides answers, added up over rows.

use super::figures::{add_names, read};
use record::{Histogram, kind};

/// Counts and times; see [`kind::Heard`].
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Only counts; the times are below.
    counts: kind::Heard,
    notification: Histogram,
    notification_gap: Histogram,
    progress_gap: Histogram,
}

/// What clients heard and when, as gates name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// From a change to its notification.
    Notification,
    /// Between two of these.
    NotificationGap,
    /// Between two notifications of progress of a call.
    ProgressGap,
}

impl Sound {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "notification" => Self::Notification,
            "notification_gap" => Self::NotificationGap,
            "progress_gap" => Self::ProgressGap,
            _ => return None,
        })
    }

    /// Whether it stands in the rows of connections, and not of calls.
    pub const fn is_of_connections(self) -> bool {
        !matches!(self, Self::ProgressGap)
    }
}

impl Heard {
    /// The times of one kind.
    pub fn times(&self, of: Sound) -> &Histogram {
        match of {
            Sound::Notification => &self.notification,
            Sound::NotificationGap => &self.notification_gap,
            Sound::ProgressGap => &self.progress_gap,
        }
    }

    /// What a record says.
    pub fn of(told: &kind::Heard) -> Self {
        Self {
            counts: kind::Heard {
                notification: None,
                notification_gap: None,
                progress_gap: None,
                ..told.clone()
            },
            notification: read(&told.notification),
            notification_gap: read(&told.notification_gap),
            progress_gap: read(&told.progress_gap),
        }
    }

    /// Adds another row's.
    pub fn add(&mut self, other: &Self) {
        let (a, b) = (&mut self.counts, &other.counts);
        add_names(&mut a.notifications, &b.notifications);
        for (a, b) in [
            (&mut a.unknown_progress, b.unknown_progress),
            (&mut a.subscribed, b.subscribed),
            (&mut a.subscriptions_refused, b.subscriptions_refused),
            (&mut a.subscriptions_lost, b.subscriptions_lost),
            (&mut a.late_answers, b.late_answers),
        ] {
            *a = a.saturating_add(b);
        }
        self.notification.add(&other.notification);
        self.notification_gap.add(&other.notification_gap);
        self.progress_gap.add(&other.progress_gap);
    }

    /// As it stands in the report; `None` where nobody heard anything.
    pub fn told(&self) -> Option<kind::Heard> {
        let whole = |h: &Histogram| (!h.is_empty()).then(|| h.with_hdr());
        (self.counts != kind::Heard::default()).then(|| kind::Heard {
            notification: whole(&self.notification),
            notification_gap: whole(&self.notification_gap),
            progress_gap: whole(&self.progress_gap),
            ..self.counts.clone()
        })
    }
}
