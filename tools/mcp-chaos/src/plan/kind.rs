//! The table of all kinds of fault: what `mcp-chaos kinds` lists, and what a plan may ask for.
//!
//! # A new kind
//! A page of its own holds its parameters and its entry: `pub const KIND: Kind = Kind { … build: |params| … }`, and one
//! line in [`KINDS`] makes it known to the plan, `mcp-chaos kinds`, `--dry-run` and the errors. `build` turns the
//! parameters into an [`Action`], once, when the plan is read; so a wrong value is told before anything runs.

use super::param::{Param, Params};
use crate::action::Action;
use crate::{message, network, process};

/// Where a fault takes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The process of a target, by its pid. Upstream of mcp-gen or behind it.
    Process,
    /// The bytes on their way; only upstream of mcp-gen, since targets are rewritten.
    Network,
    /// The messages on their way; only upstream of mcp-gen.
    Message,
}

impl Level {
    /// Its name, as `mcp-chaos kinds` shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Network => "network",
            Self::Message => "message",
        }
    }

    /// Whether it stands in the path of the calls, and so upstream of mcp-gen.
    #[must_use]
    pub const fn in_path(self) -> bool {
        !matches!(self, Self::Process)
    }
}

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// It happens; it may take a while, and is then over by itself. No `+DURATION`.
    Instant,
    /// From its begin until it is ended: `+DURATION`, or 30 s.
    Window,
}

/// How many targets it hits where the plan does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// One, drawn.
    One,
    /// All.
    All,
}

/// A kind of fault.
#[derive(Debug)]
pub struct Kind {
    /// As it is written: `kill`. Lower case, digits and `_`.
    pub name: &'static str,
    /// Where it takes hold.
    pub level: Level,
    /// How long it lasts.
    pub lasts: Lasts,
    /// How many targets it hits where the plan does not say.
    pub usual: Usual,
    /// Whether `ramp=TIME` may let it grow from nothing to its full strength.
    pub ramps: bool,
    /// Its own parameters.
    pub params: &'static [Param],
    /// One sentence for `mcp-chaos kinds`, without the dot.
    pub help: &'static str,
    /// What is applied, for `--dry-run`; `{latency}` is replaced by the parameter's value.
    pub applies: &'static str,
    /// What takes it back, likewise.
    pub undone_by: &'static str,
    /// Makes of the parameters what is applied.
    pub build: fn(&Params) -> Result<Action, String>,
}

/// All kinds, in the order in which they are shown.
pub static KINDS: &[&Kind] = &[
    &process::kill::KIND,
    &process::term::KIND,
    &process::restart::KIND,
    &process::pause::KIND,
    &process::cpu::KIND,
    &process::memory::KIND,
    &network::latency::KIND,
    &network::bandwidth::KIND,
    &network::slow_close::KIND,
    &network::timeout::KIND,
    &network::reset::KIND,
    &network::slice::KIND,
    &network::limit_data::KIND,
    &network::loss::KIND,
    &network::corrupt::KIND,
    &network::partition::KIND,
    &network::refuse::KIND,
    &message::drop_answer::KIND,
    &message::delay_answer::KIND,
    &message::duplicate_answer::KIND,
    &message::reorder_answers::KIND,
    &message::swap_ids::KIND,
    &message::truncate_json::KIND,
    &message::tool_error::KIND,
    &message::rpc_error::KIND,
    &message::http_error::KIND,
    &message::session_gone::KIND,
    &message::cut_stream::KIND,
    &message::drip::KIND,
    &message::oversize::KIND,
    &message::wrong_result_type::KIND,
    &message::header_mismatch::KIND,
];

/// Finds a kind by its name.
///
/// # Errors
/// A sentence with the known ones.
pub fn named(name: &str) -> Result<&'static Kind, String> {
    KINDS
        .iter()
        .find(|k| k.name == name)
        .copied()
        .ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|k| k.name).collect();
            format!(
                "no fault is called {name:?}: there are {} (see mcp-chaos kinds)",
                known.join(", ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::spec::COMMON;

    #[test]
    fn kinds_have_names_of_their_own_and_no_parameter_that_every_fault_has() {
        for (n, kind) in KINDS.iter().enumerate() {
            assert!(
                KINDS[..n].iter().all(|k| k.name != kind.name),
                "{}",
                kind.name
            );
            assert!(
                kind.name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            );
            for param in kind.params {
                assert!(
                    !COMMON.contains(&param.name),
                    "{} of {}",
                    param.name,
                    kind.name
                );
            }
        }
    }

    #[test]
    fn the_default_of_each_parameter_is_in_its_range_and_each_phrase_names_only_parameters() {
        for kind in KINDS {
            let params = Params::parse(kind.name, kind.params, &[]).unwrap();
            for phrase in [kind.applies, kind.undone_by] {
                let given = kind.params.iter().fold(params.fill(phrase), |text, p| {
                    text.replace(&format!("{{{}}}", p.name), "")
                });
                assert!(!given.contains('{'), "{}: {given}", kind.name);
            }
        }
    }
}
