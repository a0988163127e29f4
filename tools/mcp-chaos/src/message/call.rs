//! What is remembered of a request until its answer comes.

use super::look::{Kind, Look};
use super::names::{Name, Names};

/// What is longer is no id that anybody would wait for.
const MAX_ID_BYTES: usize = 256;

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Number(u64),
    /// Anything else, as it stands in the message, quotes and all.
    Text(Box<str>),
}

impl Id {
    /// An id as it stands in a message; `None` for null, and for what is too long.
    pub(super) fn of(raw: &str) -> Option<Self> {
        match raw.parse() {
            _ if raw == "null" || raw.len() > MAX_ID_BYTES => None,
            Ok(number) => Some(Self::Number(number)),
            Err(_) => Some(Self::Text(raw.into())),
        }
    }

    /// As it stands in a message.
    pub(super) fn raw(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.to_string(),
        }
    }
}

/// A request, or a notification, as far as a fault may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Name,
    /// The tool, prompt or resource.
    pub(super) name: Name,
    /// A number for the session's id; 0 where there is none.
    pub(super) session: u64,
    /// It says its revision in `_meta`, as from 2026-07-28 on.
    pub(super) modern: bool,
    /// It wants no answer.
    pub(super) notice: bool,
    /// Its answer is not to come: it was answered by an error of HTTP already.
    pub(super) void: bool,
}

impl Call {
    /// What a message asks for.
    pub(super) fn of(look: &Look<'_>, session: u64, names: &mut Names) -> Self {
        let mut named =
            |text: &Option<_>| text.as_deref().map_or(Name::NONE, |text| names.seen(text));
        Self {
            method: named(&look.method),
            name: named(&look.name),
            session,
            modern: look.modern,
            notice: look.kind == Kind::Notification,
            void: false,
        }
    }

    /// A request whose message nobody has seen.
    pub(super) const fn unknown(session: u64) -> Self {
        Self {
            method: Name::NONE,
            name: Name::NONE,
            session,
            modern: false,
            notice: false,
            void: false,
        }
    }
}
