//! A conversation under test: says what came out on either side, in the order in which a relay would send it.

use mcp_chaos::action::Action;
use mcp_chaos::message::{Conversation, Counts, Fault, Pass, Rules, Side, Wire};

/// A fault of messages, as a user writes it (without its times).
pub fn fault(text: &str) -> Fault {
    match mcp_chaos::plan::spec::parse(&format!("{text}@1s")) {
        Ok(fault) => match fault.action {
            Action::Message(fault) => fault,
            other => panic!("{text}: {other:?}"),
        },
        Err(wrong) => panic!("{wrong}"),
    }
}

/// One connection and the rules of its target.
pub struct Talk {
    pub rules: Rules,
    pub conversation: Conversation,
    pub passes: Vec<Pass>,
    pub now_us: u64,
}

impl Talk {
    pub fn new(wire: Wire) -> Self {
        Self {
            rules: Rules::new(false),
            conversation: Conversation::new(wire, 1),
            passes: Vec::new(),
            now_us: 1_000_000,
        }
    }

    /// With these faults active from the start: `f1`, `f2`, ….
    pub fn with(wire: Wire, faults: &[&str]) -> Self {
        let mut talk = Self::new(wire);
        for (n, text) in faults.iter().enumerate() {
            talk.rules.begin(&format!("f{}", n + 1), fault(text), 7);
        }
        talk
    }

    pub fn client(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.says(Side::Client, bytes.as_ref())
    }

    pub fn server(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.says(Side::Server, bytes.as_ref())
    }

    pub fn says(&mut self, from: Side, bytes: &[u8]) -> &mut Self {
        self.conversation
            .read(from, bytes, self.now_us, &mut self.rules, &mut self.passes);
        self
    }

    pub fn ended(&mut self, from: Side) -> &mut Self {
        self.conversation
            .ended(from, self.now_us, &mut self.rules, &mut self.passes);
        self
    }

    /// Time passes, and what waited for it goes.
    pub fn later(&mut self, us: u64) -> &mut Self {
        self.now_us += us;
        self.conversation
            .tick(self.now_us, &mut self.rules, &mut self.passes);
        self
    }

    /// What a relay would have sent to a side by now.
    pub fn got(&self, side: Side) -> Vec<u8> {
        self.got_by(side, self.now_us)
    }

    pub fn got_by(&self, side: Side, now_us: u64) -> Vec<u8> {
        let all = self.timed(side);
        let due = all.into_iter().filter(|(at_us, _)| *at_us <= now_us);
        due.flat_map(|(_, bytes)| bytes).collect()
    }

    /// All that will ever have been sent to it.
    pub fn all(&self, side: Side) -> Vec<u8> {
        self.got_by(side, u64::MAX)
    }

    /// Instants and bytes, in the order of (instant, order of passing).
    pub fn timed(&self, side: Side) -> Vec<(u64, Vec<u8>)> {
        let mut timed: Vec<(u64, Vec<u8>)> = self
            .passes
            .iter()
            .filter_map(|pass| match pass {
                Pass::Bytes { to, at_us, bytes } if *to == side => Some((*at_us, bytes.clone())),
                _ => None,
            })
            .collect();
        timed.sort_by_key(|(at_us, _)| *at_us);
        timed
    }

    pub fn text(&self, side: Side) -> String {
        String::from_utf8(self.all(side)).unwrap()
    }

    /// When the end goes to a side.
    pub fn end(&self, side: Side) -> Option<u64> {
        self.passes.iter().find_map(|pass| match pass {
            Pass::End { to, at_us } if *to == side => Some(*at_us),
            _ => None,
        })
    }

    /// When both connections are closed, and whether by RST.
    pub fn close(&self) -> Option<(u64, bool)> {
        self.passes.iter().find_map(|pass| match pass {
            Pass::Close { at_us, reset } => Some((*at_us, *reset)),
            _ => None,
        })
    }

    /// What the first fault has counted.
    pub fn counts(&self) -> Counts {
        self.rules.counts("f1").cloned().unwrap_or_default()
    }

    /// One of these numbers.
    pub fn count(&self, what: &str) -> u64 {
        self.counts().get(what).copied().unwrap_or_default()
    }
}
