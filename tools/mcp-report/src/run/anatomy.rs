//! The parts of connections and calls, and how long each took.

use record::kind::Summary;
use record::{Histogram, Latency};

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Until TCP was connected.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// What else had to be said before a connection could carry calls.
    Handshake,
    /// Sent to the first byte of the answer.
    First,
    /// Between two events of one answer.
    Gap,
    /// First to last byte of the answer.
    Last,
}

impl Part {
    /// All of them, in the order of time.
    pub const ALL: [Self; 6] = [
        Self::Tcp,
        Self::Tls,
        Self::Handshake,
        Self::First,
        Self::Gap,
        Self::Last,
    ];

    /// As in records and gates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::First => "first",
            Self::Gap => "gap",
            Self::Last => "last",
        }
    }

    /// The part of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Whether it is of a connection, and not of a call.
    pub const fn is_of_connections(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls | Self::Handshake)
    }

    fn of(self, summary: &Summary) -> &Option<Latency> {
        match self {
            Self::Tcp => &summary.tcp,
            Self::Tls => &summary.tls,
            Self::Handshake => &summary.handshake,
            Self::First => &summary.first,
            Self::Gap => &summary.gap,
            Self::Last => &summary.last,
        }
    }
}

/// The histograms of all parts; most rows have few.
#[derive(Clone, Debug, Default)]
pub struct Anatomy([Option<Box<Histogram>>; 6]);

impl Anatomy {
    /// Those of a summary. Intervals have no histograms of parts.
    pub fn of_summary(summary: &Summary) -> Self {
        Self(Part::ALL.map(|part| {
            let histogram = part.of(summary).as_ref()?.histogram()?;
            Some(Box::new(histogram))
        }))
    }

    /// The histogram of a part, where something was counted.
    pub fn get(&self, part: Part) -> Option<&Histogram> {
        self.0[part as usize].as_deref().filter(|h| !h.is_empty())
    }

    /// Adds another row's.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            if let Some(more) = more {
                sum.get_or_insert_default().add(more);
            }
        }
    }
}
