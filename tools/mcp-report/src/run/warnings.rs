//! What the tools warned of: each distinct warning once.

use record::kind::Warning;

const MAX_DISTINCT: usize = 200;

/// A warning and how often it came.
pub struct Seen {
    /// Whose: tool and instance.
    pub from: String,
    /// The first of them.
    pub warning: Warning,
    /// How often the same sentence came from the same tool.
    pub times: u64,
}

/// All of them, in the order of the stream.
#[derive(Default)]
pub struct Warnings {
    seen: Vec<Seen>,
    /// Those beyond the limit.
    pub more: u64,
}

impl Warnings {
    /// Takes one in.
    pub fn take(&mut self, from: &str, warning: Warning) {
        let known = self.seen.iter_mut().find(|s| {
            s.from == from && s.warning.code == warning.code && s.warning.text == warning.text
        });
        if let Some(known) = known {
            known.times += 1;
        } else if self.seen.len() < MAX_DISTINCT
            // Why a tool gave up must not drown in what went before.
            || (warning.code == "fatal" && self.seen.len() < 2 * MAX_DISTINCT)
        {
            self.seen.push(Seen {
                from: from.to_owned(),
                warning,
                times: 1,
            });
        } else {
            self.more += 1;
        }
    }

    /// All distinct ones.
    pub fn all(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter()
    }

    /// Why tools gave up.
    pub fn fatal(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(|s| s.warning.code == "fatal")
    }
}
