//! The revisions of MCP and the two eras they fall into: legacy with its handshake, modern without.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How a conversation opens: the specification calls everything up to 2025-11-25 *legacy* and
/// everything from 2026-07-28 on *modern*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// `initialize`, `notifications/initialized`, and perhaps a session.
    Legacy,
    /// Stateless: each request carries its revision and capabilities in `params._meta`.
    Modern,
}

/// A published revision of the specification, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05: stdio, and HTTP with two endpoints.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP; the only revision with batches.
    V2025_03_26,
    /// 2025-06-18: the `MCP-Protocol-Version` header.
    V2025_06_18,
    /// 2025-11-25: the last one with sessions.
    V2025_11_25,
    /// 2026-07-28: stateless, `server/discover`.
    V2026_07_28,
}

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// What `initialize` asks for unless told otherwise.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The one modern revision there is so far.
    pub const MODERN: Self = Self::V2026_07_28;

    /// The revision as it stands on the wire, for instance `2025-11-25`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era this revision belongs to.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Whether messages may travel as arrays, several at a time (JSON-RPC batches).
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::V2025_03_26)
    }
}

/// What the user asked for with `--protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Find out; modern where the server speaks both.
    #[default]
    Auto,
    /// Whatever revision of this era the server offers.
    Era(Era),
    /// This one and no other.
    Revision(Revision),
}

impl Wanted {
    /// Whether a server that turned out to speak `revision` is what was asked for.
    pub fn admits(self, revision: Revision) -> bool {
        match self {
            Self::Auto => true,
            Self::Era(era) => revision.era() == era,
            Self::Revision(wanted) => revision == wanted,
        }
    }

    /// Whether any revision of `era` would do.
    pub fn admits_era(self, era: Era) -> bool {
        match self {
            Self::Auto => true,
            Self::Era(wanted) => wanted == era,
            Self::Revision(wanted) => wanted.era() == era,
        }
    }
}

/// A revision or era that nobody has heard of.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnknownRevision {
    /// No revision of that date.
    #[error(
        "{0:?} is no MCP revision known here: use 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 or 2026-07-28"
    )]
    Revision(String),
    /// Neither a word for an era nor a revision.
    #[error(
        "{0:?} is no MCP protocol known here: use auto, legacy, modern, 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 or 2026-07-28"
    )]
    Wanted(String),
}

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == text)
            .ok_or_else(|| UnknownRevision::Revision(text.chars().take(64).collect()))
    }
}

impl FromStr for Wanted {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "legacy" => Ok(Self::Era(Era::Legacy)),
            "modern" => Ok(Self::Era(Era::Modern)),
            other => other
                .parse()
                .map(Self::Revision)
                .map_err(|_| UnknownRevision::Wanted(other.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Era(era) => era.fmt(f),
            Self::Revision(revision) => revision.fmt(f),
        }
    }
}
