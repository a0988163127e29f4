//! What a gate can judge: a figure, its name and its unit.

use super::faults::Aftermath;
use crate::run::{Part, Sound};
use record::Quantile;
use record::kind::Audit;

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A latency: of which span of a call, and which statistic.
    Latency(Span, Stat),
    /// Errors over all calls but shed ones.
    ErrorRate,
    /// Calls that were ok within their stage, per second.
    Rate,
    /// Sent over scheduled.
    Achieved,
    /// How many errors, or outcomes of one class.
    Errors,
    /// How many calls were due.
    Scheduled,
    /// How many were answered well.
    Ok,
    /// The highest rate that met the condition of `--find-knee`.
    Knee,
    /// Calls that an audit counted.
    Audit(Audited),
    /// Bad behaviour that servers did not take as they should.
    AbuseWrong,
    /// The share of it that they did.
    AbuseRight,
    /// What faults did.
    Fault(Aftermath),
}

/// What an audit counts (`mcp-gen --audit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audited {
    /// Executed twice or more often.
    Twice,
    /// Never executed.
    Never,
    /// Answered and never executed.
    OkNever,
    /// Executed, though the client saw no answer.
    Failed,
}

impl Audited {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "executed_twice" => Self::Twice,
            "never_executed" => Self::Never,
            "ok_never_executed" => Self::OkNever,
            "failed_executed" => Self::Failed,
            _ => return None,
        })
    }

    /// The count.
    pub fn of(self, audit: &Audit) -> u64 {
        match self {
            Self::Twice => audit.executed_twice,
            Self::Never => audit.never_executed,
            Self::OkNever => audit.ok_never_executed,
            Self::Failed => audit.failed_executed,
        }
    }
}

/// Which span of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Due to done.
    Response,
    /// Sent to done.
    Service,
    /// Due to taken up: the generator's own lateness.
    Lag,
    /// Taken up to sent.
    Wait,
    /// Setting up a connection.
    Connect,
    /// A part of a connection's set-up, or of an answer.
    Part(Part),
    /// What clients heard besides answers.
    Heard(Sound),
}

/// Which statistic of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    /// A percentile.
    At(Quantile),
    /// The largest.
    Max,
    /// The mean of the ok calls.
    Mean,
    /// The smallest.
    Min,
}

/// In what a figure is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Latency,
    Share,
    /// A share that may be more than all.
    Portion,
    Rate,
    Count,
}

/// The names that are not a percentile.
pub const NAMES: &str = "p50, p90, p95, p99, p99.9, max, mean, min (also service.p99, lag.p99, wait.p99, connect.p99, tcp.p99, tls.p99, handshake.p99, first.p99, gap.p99, last.p99, notification.p99, notification_gap.p99, progress_gap.p99), error_rate, rate, achieved, errors, scheduled, ok, knee, executed_twice, never_executed, ok_never_executed, failed_executed, abuse_wrong, abuse_right, detect_time, recovery_time, budget_burnt, calls_lost";

impl Figure {
    /// Finds a figure by its name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "error_rate" => Self::ErrorRate,
            "rate" => Self::Rate,
            "achieved" => Self::Achieved,
            "errors" => Self::Errors,
            "scheduled" => Self::Scheduled,
            "ok" => Self::Ok,
            "knee" => Self::Knee,
            "abuse_wrong" => Self::AbuseWrong,
            "abuse_right" => Self::AbuseRight,
            _ if Aftermath::named(name).is_some() => Self::Fault(Aftermath::named(name)?),
            _ if Audited::named(name).is_some() => Self::Audit(Audited::named(name)?),
            _ => {
                // `p99.9` has a dot too, so only a known span in front of one is a span.
                let (span, stat) = match name.split_once('.') {
                    Some((span, stat)) if Span::named(span).is_some() => (Span::named(span)?, stat),
                    _ => (Span::Response, name),
                };
                Self::Latency(span, Stat::named(stat)?)
            }
        })
    }

    /// In what it is measured.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Latency(..) | Self::Fault(Aftermath::Detect | Aftermath::Recover) => {
                Unit::Latency
            }
            Self::ErrorRate | Self::Achieved | Self::AbuseRight => Unit::Share,
            Self::Fault(Aftermath::Burnt) => Unit::Portion,
            Self::Fault(Aftermath::Lost) => Unit::Count,
            Self::Rate | Self::Knee => Unit::Rate,
            Self::Errors | Self::Scheduled | Self::Ok | Self::Audit(_) | Self::AbuseWrong => {
                Unit::Count
            }
        }
    }
}

impl Span {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "response" => Self::Response,
            "service" => Self::Service,
            "lag" => Self::Lag,
            "wait" => Self::Wait,
            "connect" => Self::Connect,
            _ => {
                let heard = Sound::named(name).map(Self::Heard);
                heard.or_else(|| Part::named(name).map(Self::Part))?
            }
        })
    }
}

impl Stat {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "max" => Self::Max,
            "mean" => Self::Mean,
            "min" => Self::Min,
            _ => Self::At(Quantile::parse(name.strip_prefix('p')?)?),
        })
    }
}

impl Unit {
    /// What a figure of this unit is, and how its values are written.
    pub const fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Latency => ("latency", "200ms"),
            Self::Share => ("share", "1%"),
            Self::Portion => ("share", "50%"),
            Self::Rate => ("rate", "2400/s"),
            Self::Count => ("count", "10"),
        }
    }

    /// Its name in a record.
    pub const fn in_record(self) -> &'static str {
        match self {
            Self::Latency => "us",
            Self::Share | Self::Portion | Self::Count => "1",
            Self::Rate => "per_s",
        }
    }
}
