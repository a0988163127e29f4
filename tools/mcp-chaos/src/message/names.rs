//! The names of methods and tools as small numbers, so that to remember a request costs no allocation.

/// A server may have this many names before the next ones are all the same, [`Name::OTHER`], to us.
const MAX_SEEN: usize = 256;
/// What is longer is nobody's name.
const MAX_BYTES: usize = 256;

/// A name, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name(u16);

impl Name {
    pub(super) const INITIALIZE: Self = Self(0);
    pub(super) const INITIALIZED: Self = Self(1);
    pub(super) const DISCOVER: Self = Self(2);
    pub(super) const TOOLS_CALL: Self = Self(3);
    /// There is none.
    pub(super) const NONE: Self = Self(u16::MAX);
    /// One that is not worth knowing: no fault has asked for it.
    pub(super) const OTHER: Self = Self(u16::MAX - 1);

    /// Whether it belongs to the handshake, without which a client does not even come to the calls.
    pub(super) fn is_handshake(self) -> bool {
        matches!(self, Self::INITIALIZE | Self::INITIALIZED | Self::DISCOVER)
    }
}

const KNOWN: [&str; 4] = [
    "initialize",
    "notifications/initialized",
    "server/discover",
    "tools/call",
];

/// All names that were met. There are some dozen in earnest, so they are compared one by one.
#[derive(Debug)]
pub(super) struct Names(Vec<Box<str>>);

impl Default for Names {
    fn default() -> Self {
        Self(KNOWN.iter().map(|&name| name.into()).collect())
    }
}

impl Names {
    /// A name that was met in a message.
    pub(super) fn seen(&mut self, text: &str) -> Name {
        match self.find(text) {
            Some(name) => name,
            None if self.0.len() >= MAX_SEEN || text.len() > MAX_BYTES => Name::OTHER,
            None => self.add(text),
        }
    }

    /// A name that a fault asks for. Plans have at most 1,000 faults, so the numbers do not run out.
    pub(super) fn asked(&mut self, text: &str) -> Name {
        self.find(text).unwrap_or_else(|| self.add(text))
    }

    fn find(&self, text: &str) -> Option<Name> {
        let at = self.0.iter().position(|name| **name == *text)?;
        Some(Name(at as u16))
    }

    fn add(&mut self, text: &str) -> Name {
        if self.0.len() >= usize::from(Name::OTHER.0) {
            return Name::OTHER;
        }
        self.0.push(text.into());
        Name((self.0.len() - 1) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_ever_new_names_fills_no_memory_and_a_fault_still_finds_its_own() {
        let mut names = Names::default();
        assert_eq!(names.seen("tools/call"), Name::TOOLS_CALL);
        for n in 0..10_000 {
            names.seen(&format!("tool-{n}"));
        }
        assert_eq!(names.0.len(), MAX_SEEN);
        assert_eq!(names.seen("late"), Name::OTHER);
        let late = names.asked("late");
        assert_eq!(names.seen("late"), late);
        assert_ne!(late, Name::OTHER);
    }
}
