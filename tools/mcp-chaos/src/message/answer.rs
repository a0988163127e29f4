//! A message of the server before it is passed on: what faults look at, and what they may do with it.

use super::call::{Call, Id};
use super::drip::Drip;
use super::look::{Kind, Look, look};
use std::borrow::Cow;
use std::ops::Range;

/// What became of a fault at a message: done, or the reason why not, as it is counted.
pub(super) type Applied = Result<(), &'static str>;

/// Where a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On a connection or a stream with others, which may overtake it.
    Free,
    /// In an answer of HTTP that can hold no other: it cannot come twice, nor behind another one.
    Alone,
    /// In an array, with which it comes.
    Batch,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) text: Cow<'a, [u8]>,
    pub(super) kind: Kind,
    pub(super) id: Option<Id>,
    /// What it answers; of a notification or a request of the server, that itself.
    pub(super) call: Call,
    pub(super) place: Place,
    /// It lies in a stream of events, which can hold it twice.
    pub(super) in_events: bool,
    /// Another one waits already for the next answer.
    pub(super) others_wait: bool,
    /// Those whose ids may stand for each other have the same number here.
    pub(super) scope: u64,
    pub(super) verdict: Verdict,
}

/// What is to be done with it besides changes of its text.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    pub(super) dropped: bool,
    pub(super) twice: bool,
    pub(super) delay_us: u64,
    pub(super) drip: Option<Drip>,
    /// Another answer may go first, for so long.
    pub(super) hold_us: Option<u64>,
    /// It is an answer, and so lets one go that was held for the next.
    pub(super) is_answer: bool,
    /// The text in place of the one that came.
    pub(super) text: Option<Vec<u8>>,
}

impl Verdict {
    /// Whether the message passes as it came.
    pub(super) fn is_plain(&self) -> bool {
        !self.dropped
            && !self.twice
            && self.delay_us == 0
            && self.drip.is_none()
            && self.hold_us.is_none()
            && self.text.is_none()
    }
}

impl Answer<'_> {
    /// Its parts, in the text as it is by now.
    pub(super) fn parts(&self) -> Result<Look<'_>, &'static str> {
        if self.kind != Kind::Answer {
            return Err("not_an_answer");
        }
        look(&self.text).ok_or("broken")
    }

    /// Its result, where that is an object.
    pub(super) fn result(&self) -> Result<Range<usize>, &'static str> {
        let result = self.parts()?.result.ok_or("no_result")?;
        if self.text[result.start] == b'{' {
            Ok(result)
        } else {
            Err("no_result")
        }
    }

    /// Its id as it stands there.
    pub(super) fn id(&self) -> Result<String, &'static str> {
        Ok(self.parts()?.id.unwrap_or("null").to_owned())
    }

    pub(super) fn replace(&mut self, text: Vec<u8>) -> Applied {
        self.text = Cow::Owned(text);
        Ok(())
    }
}
