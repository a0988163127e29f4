//! What is put into the system, a page for each kind: what undoing must know, how it is applied, how it is taken back.
//!
//! # A new kind
//! A page with its plan (what stands in the journal as `detail`), a variant here, and a line in [`Effect::of`],
//! [`Effect::kind`], [`Effect::detail`] and [`Effect::phrase`]. What is taken back at once, by itself, has `undo` and
//! a line in [`Effect::undo`]; processes need each other's census, so [`crate::settle`] ends them side by side.

pub(crate) mod paused;
pub(crate) mod process;
pub(crate) mod within;

use serde_json::Value;

pub use paused::Paused;
pub use process::ProcessPlan;
pub use within::Within;

/// What a plan applies, as far as this version knows it.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A process with its group and all that carries its mark.
    Process(ProcessPlan),
    /// A process of somebody else that stands still.
    Paused(Paused),
    /// Something that lives in its tool and ends with it.
    Within(Within),
    /// A kind, or a form of a known kind, of another version: never touched, never dropped.
    Unknown,
}

impl Effect {
    /// What stands in a journal.
    pub(crate) fn of(kind: &str, detail: &Value) -> Self {
        let detail = detail.clone();
        match kind {
            ProcessPlan::KIND => serde_json::from_value(detail).map(Self::Process),
            Paused::KIND => serde_json::from_value(detail).map(Self::Paused),
            Within::KIND => serde_json::from_value(detail).map(Self::Within),
            _ => return Self::Unknown,
        }
        .unwrap_or(Self::Unknown)
    }

    /// Its name in the journal.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Process(_) => ProcessPlan::KIND,
            Self::Paused(_) => Paused::KIND,
            Self::Within(_) => Within::KIND,
            Self::Unknown => "unknown",
        }
    }

    /// What undoing needs to know, for the journal.
    pub(crate) fn detail(&self) -> Value {
        // Numbers and strings in a struct always have a JSON form.
        match self {
            Self::Process(process) => serde_json::to_value(process).unwrap_or_default(),
            Self::Paused(paused) => serde_json::to_value(paused).unwrap_or_default(),
            Self::Within(within) => serde_json::to_value(within).unwrap_or_default(),
            Self::Unknown => Value::Null,
        }
    }

    /// What it is, for people: `process 4711 (sleep 60)`, `the pause of process 4711`.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::Process(process) => process.phrase(),
            Self::Paused(paused) => paused.phrase(),
            Self::Within(within) => within.what.clone(),
            Self::Unknown => "something that this version does not know".to_owned(),
        }
    }

    /// Takes back what needs nothing but itself; `None` where it takes more. Whether there was anything to take back.
    ///
    /// # Errors
    /// A phrase: it is applied still.
    pub(crate) fn undo(&self) -> Option<Result<bool, String>> {
        match self {
            Self::Paused(paused) => Some(paused.undo()),
            Self::Within(_) => Some(Ok(false)),
            Self::Process(_) | Self::Unknown => None,
        }
    }
}
