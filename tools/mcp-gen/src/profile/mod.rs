//! Profiles: what a kind of client does, how often, with how much payload, and how patiently.
//!
//! A profile is a TOML file. Some are built in; users write their own.

mod bad;
mod call;
mod comings;
mod command;
mod data;
mod leave;
mod level;
mod method;
mod shipped;
mod slow_read;
mod subscribe;
pub mod unit;
mod wanted;

pub use call::{Call, Sequence};
pub use comings::Comings;
pub use command::run as command;
pub use data::{Cell, Order, Table};
pub use leave::Leave;
pub use level::LogLevel;
pub use method::Method;
pub use shipped::{names, shipped};
pub use slow_read::SlowRead;
pub use subscribe::Subscribe;
pub use unit::payload_text as payload;
pub use wanted::{choose_model, wanted};

use crate::abuse::Shares;
use crate::think::Think;
use bad::Bad;
use data::Source;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

/// What clients of one kind do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What records call it: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// A few words for `profiles list`.
    #[serde(default)]
    pub about: String,
    /// How many clients, from 1 to [`crate::wish::MAX_CLIENTS`].
    pub clients: u32,
    /// Calls per second of each client; 0 where it is not said, since think time stands in its place.
    #[serde(rename = "rate", default, deserialize_with = "unit::rate")]
    pub rate_per_s: f64,
    /// How long a user thinks between an answer and the next call; the profile is of the closed model then.
    #[serde(default, deserialize_with = "unit::think")]
    pub think: Option<Think>,
    /// About how many bytes of arguments a call carries, where the server's schema leaves room.
    #[serde(rename = "payload", default, deserialize_with = "unit::payload")]
    pub payload_bytes: usize,
    /// How long to wait for an answer once the call was sent.
    #[serde(default = "ten_seconds", deserialize_with = "unit::duration")]
    pub timeout: Duration,
    /// After this long a client says goodbye and connects anew; without it as long as the run.
    #[serde(default, deserialize_with = "unit::some_duration")]
    pub connection_lifetime: Option<Duration>,
    /// By how much, from 0 to 1, a lifetime may be shorter.
    #[serde(default = "a_fifth", deserialize_with = "unit::share")]
    pub connection_lifetime_jitter: f64,
    /// After so many calls a client leaves, and connects anew when its next call is due.
    #[serde(default)]
    pub calls_per_connection: Option<NonZeroU32>,
    /// How a client leaves.
    #[serde(default)]
    pub leave: Leave,
    /// Whether a client calls once more on a session that it has deleted, to see that refused.
    #[serde(default)]
    pub call_deleted: bool,
    /// How long a client stays away after its connection has ended.
    #[serde(default, deserialize_with = "unit::duration")]
    pub reconnect_delay: Duration,
    /// By how much, from 0 to 1, that may be shorter.
    #[serde(default = "a_half", deserialize_with = "unit::share")]
    pub reconnect_jitter: f64,
    /// How many calls that are due at once leave as one array, from 1 (none does) to 1000: JSON-RPC batches, which
    /// 2025-03-26 alone has.
    #[serde(default = "one")]
    pub batch: u32,
    /// The methods that are called, and their weights.
    #[serde(default)]
    pub methods: BTreeMap<Method, u32>,
    /// The tools that are called, and their weights; [`ANY_TOOL`] is each other one. Empty is
    /// `"*" = 1`.
    #[serde(default)]
    pub tools: BTreeMap<String, u32>,
    /// Calls that are spelled out.
    #[serde(default, rename = "call")]
    pub calls: Vec<Spanned<Call>>,
    /// Calls that belong together.
    #[serde(default, rename = "sequence")]
    pub sequences: Vec<Spanned<Sequence>>,
    /// Files whose values are put into calls.
    #[serde(default)]
    data: BTreeMap<String, Source>,
    /// The same, read.
    #[serde(skip)]
    pub tables: Vec<Arc<Table>>,
    /// Bad behaviour besides the calls, as shares of them.
    #[serde(default)]
    pub abuse: Shares,
    /// How slowly sockets are read, where not at once.
    #[serde(default)]
    pub slow_read: Option<SlowRead>,
    /// The resources that clients want to hear of.
    #[serde(default)]
    pub subscribe: Option<Subscribe>,
    /// The share, from 0 to 1, of calls of tools that ask for progress.
    #[serde(default, deserialize_with = "unit::share")]
    pub progress: f64,
    /// The share, from 0 to 1, of calls that the client cancels where they have no answer after [`Self::cancel_after`].
    #[serde(default, deserialize_with = "unit::share")]
    pub cancel: f64,
    /// How long such a call may take.
    #[serde(default = "a_tenth_of_a_second", deserialize_with = "unit::duration")]
    pub cancel_after: Duration,
    /// How many pages of a list are asked for at most, from 1 to [`MAX_PAGES`].
    #[serde(default = "one_page")]
    pub pages: usize,
    /// From which level on clients want log messages; `None` leaves it to the server.
    #[serde(default)]
    pub log_level: Option<LogLevel>,
}

/// As many pages as discovery looks at.
pub const MAX_PAGES: usize = 100;

/// The name that stands for each other tool that says `readOnlyHint`.
pub const ANY_TOOL: &str = "*";

/// The longest text that is made up for a schema.
const MAX_PAYLOAD_BYTES: u64 = 1 << 20;

/// A file that is larger holds something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// As many as the servers that we know take.
pub const MAX_BATCH: u32 = 1_000;

fn one() -> u32 {
    1
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn a_tenth_of_a_second() -> Duration {
    Duration::from_millis(100)
}

fn one_page() -> usize {
    1
}

fn a_fifth() -> f64 {
    0.2
}

fn a_half() -> f64 {
    0.5
}

impl Profile {
    /// How its clients come and go.
    #[must_use]
    pub fn comings(&self) -> Comings {
        Comings {
            lifetime: self.connection_lifetime.filter(|t| !t.is_zero()),
            lifetime_jitter: self.connection_lifetime_jitter,
            calls: self.calls_per_connection,
            leave: self.leave,
            call_deleted: self.call_deleted,
            reconnect_delay: self.reconnect_delay,
            reconnect_jitter: self.reconnect_jitter,
        }
    }

    /// Finds a profile by its name, or in the file of this name, which then ends in `.toml`.
    ///
    /// # Errors
    /// A sentence: there is none, or the file cannot be read, or what it says cannot be.
    pub fn find(name: &str) -> Result<Self, String> {
        let (origin, text) = Self::text(name)?;
        let mut profile = Self::parse(&origin, &text)?;
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        for (name, source) in &profile.data {
            profile
                .tables
                .push(Arc::new(Table::load(name, source, folder)?));
        }
        Ok(profile)
    }

    /// The TOML of a profile, and where it comes from.
    ///
    /// # Errors
    /// A sentence: there is none, or the file cannot be read.
    pub fn text(name: &str) -> Result<(String, String), String> {
        if !name.ends_with(".toml") {
            return match shipped(name) {
                Some(text) => Ok((format!("the profile {name}"), text.to_owned())),
                None => Err(format!(
                    "no profile is called {name:?}: use {}, or a file whose name ends in .toml",
                    names()
                )),
            };
        }
        let said = |e: std::io::Error| format!("cannot read the profile {name}: {e}");
        let length = std::fs::metadata(Path::new(name)).map_err(said)?.len();
        if length > MAX_FILE_BYTES {
            return Err(format!(
                "the profile {name} is {length} bytes long, and a profile has {MAX_FILE_BYTES} at most: is it the right file?"
            ));
        }
        let text = std::fs::read_to_string(name).map_err(said)?;
        Ok((name.to_owned(), text))
    }

    /// Reads the TOML of a profile; `origin` is for the message.
    ///
    /// # Errors
    /// A sentence with line and column.
    pub fn parse(origin: &str, text: &str) -> Result<Self, String> {
        let profile: Self = toml::from_str(text)
            .map_err(|e| Bad::new(origin, text, e.span(), e.message()).to_string())?;
        if let Some((key, why)) = profile.wrong() {
            return Err(Bad::new(origin, text, bad::key(text, key), &why).to_string());
        }
        let calls = profile.calls.iter();
        let calls = calls.map(|c| (c.span(), c.get_ref().wrong_alone()));
        let sequences = profile.sequences.iter();
        let sequences = sequences.map(|s| (s.span(), s.get_ref().wrong()));
        for (span, wrong) in calls.chain(sequences) {
            if let Some(why) = wrong {
                return Err(Bad::new(origin, text, Some(span), &why).to_string());
            }
        }
        Ok(profile)
    }

    /// What cannot be, though each value by itself can: the key, and why.
    fn wrong(&self) -> Option<(&'static str, String)> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_plain) {
            let why = "a profile's name has 1 to 64 letters, digits, '-', '_' and '.', since it stands in records";
            return Some(("name", why.to_owned()));
        }
        if self.clients == 0 || self.clients > crate::wish::MAX_CLIENTS {
            let most = crate::wish::MAX_CLIENTS;
            return Some(("clients", format!("clients must be 1 to {most}")));
        }
        if self.batch == 0 || self.batch > MAX_BATCH {
            return Some(("batch", format!("a batch has 1 to {MAX_BATCH} calls")));
        }
        if self.rate_per_s > 0.0 && self.think.is_some() {
            return Some(("think", "rate and think exclude each other: with a rate calls come by the clock, whatever becomes of them; with think time each waits for the answer before. Leave one out".to_owned()));
        }
        if self.rate_per_s == 0.0 && self.think.is_none() {
            return Some(("clients", "how often these clients call is not said: write rate = \"100/s\", or, where each waits for its answers, think = \"exp:1s\"".to_owned()));
        }
        if !(1..=MAX_PAGES).contains(&self.pages) {
            return Some((
                "pages",
                format!(
                    "pages must be 1 to {MAX_PAGES}: so many pages of a list are asked for at most"
                ),
            ));
        }
        let spelled_out = self.calls.iter().any(|c| c.get_ref().weight != Some(0))
            || self.sequences.iter().any(|s| s.get_ref().weight > 0);
        if !spelled_out && self.methods.values().all(|weight| *weight == 0) {
            return Some(("methods", "no method, [[call]] or [[sequence]] has a weight above 0, so nothing would be called: write for instance \"tools/call\" = 1".to_owned()));
        }
        if !self.tools.is_empty() && self.tools.values().all(|weight| *weight == 0) {
            return Some(("tools", "no tool has a weight above 0: leave [tools] out to call every tool that says readOnlyHint, or take \"tools/call\" out of [methods]".to_owned()));
        }
        None
    }
}

#[cfg(test)]
mod tests;
