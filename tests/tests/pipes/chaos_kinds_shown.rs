//! Whether a load shows of each message fault what it should: as many errors as calls were hit, of the right class, on the
//! tool that was named, and nothing else.

use crate::chaos_kinds_rows::{
    BROKEN, Row,
    Shows::{self, Class, Code, Large, Lost, Overtaken, Slow, Spared, Well},
    Wire,
};
use pipe_tests::faults::{calls, count, number, service_us, sums};
use pipe_tests::{Stream, assert_conserved, assert_intervals_add_up};
use serde_json::Value;
use std::collections::BTreeMap;

type Counts = BTreeMap<String, u64>;

/// What came of one fault.
struct Seen<'a> {
    what: String,
    stream: &'a Stream,
    name: &'a str,
    hit: u64,
    errors: Counts,
    codes: Counts,
    calls: Vec<&'a Value>,
}

/// Answers that no call was waiting for: so many, and how many more there may be.
#[derive(Default)]
struct Strays {
    least: u64,
    more: u64,
}

/// Asserts it of each row, and that nothing is lost: no call, no session.
#[track_caller]
pub fn assert_shown(wire: Wire, stream: &Stream, rows: &[Row]) {
    assert_conserved(stream);
    assert_intervals_add_up(stream);
    let mut strays = Strays::default();
    for (name, kind, shows) in rows {
        let shows = shows[wire as usize];
        let seen = Seen {
            what: format!("{kind} over {wire:?} shows {shows:?}"),
            stream,
            name,
            hit: count(stream, name, "hit"),
            errors: sums(stream, name, "errors"),
            codes: sums(stream, name, "codes"),
            calls: calls(stream, name),
        };
        let is_swap = kind.starts_with("swap_ids");
        seen.assert_chosen(shows, is_swap);
        match shows {
            Lost => strays.more += seen.lost_beside(),
            Well if is_swap => strays.least += seen.unanswered(),
            _ => seen.assert_errors(shows),
        }
        seen.assert_answers(shows);
        match shows {
            BROKEN if is_swap => strays.least += seen.hit,
            // Over HTTP all is over with the first answer.
            Well if !is_swap && wire != Wire::Streams => strays.least += seen.hit,
            _ => {}
        }
    }
    let totals = stream.totals();
    let told = number(&totals["generator"], "stray_answers");
    let wanted = strays.least..=strays.least + strays.more;
    assert!(wanted.contains(&told), "{wire:?}: {told}, not {wanted:?}");
    let of = |what: &str| number(&totals["sessions"], what);
    assert_eq!(of("opened"), of("deleted") + of("expired"), "{totals}");
}

impl Seen<'_> {
    /// Every third call that matched is hit, or counted as spared; of an exchange the other one, too.
    #[track_caller]
    fn assert_chosen(&self, shows: Shows, is_swap: bool) {
        let matched = count(self.stream, self.name, "matched");
        assert!(matched >= 9, "{}: {matched}", self.what);
        // Who was chosen, and has its answer when the fault is over, is counted as nothing.
        let chosen = matched / 3;
        let in_time = chosen.saturating_sub(2)..=chosen;
        let (hit, spared) = match shows {
            Spared(reason) => (0, count(self.stream, self.name, reason)),
            _ => (self.hit, self.hit),
        };
        assert_eq!(self.hit, hit, "{}", self.what);
        let is_right = in_time.contains(&spared) || is_swap && hit > 0;
        assert!(is_right, "{}: {spared} of {matched}", self.what);
    }

    /// The errors are the calls that were hit.
    #[track_caller]
    fn assert_errors(&self, shows: Shows) {
        let (class, code) = match shows {
            Class(class) => (Some(class), None),
            Code(class, code) => (Some(class), Some(code)),
            _ => (None, None),
        };
        let as_hit = |name: Option<&str>| -> Counts {
            let name = name.into_iter();
            name.map(|name| (name.to_owned(), self.hit)).collect()
        };
        let wanted = (as_hit(class), as_hit(code));
        let found = (self.errors.clone(), self.codes.clone());
        assert_eq!(found, wanted, "{}", self.what);
        for call in self.calls.iter().filter(|c| c["outcome"] != "ok") {
            assert_eq!(call["tool"], "echo", "{}: {call}", self.what);
        }
    }

    /// Each session that was told gone is opened again; how many calls were on their way in them besides.
    #[track_caller]
    fn lost_beside(&self) -> u64 {
        let classes: Vec<&String> = self.errors.keys().collect();
        assert_eq!(classes, ["session_lost"], "{}", self.what);
        let sessions = sums(self.stream, self.name, "sessions");
        let reopened = (sessions["expired"], sessions["reopened"]);
        assert_eq!(reopened, (self.hit, self.hit), "{}", self.what);
        let lost = self.errors["session_lost"];
        assert!(lost >= self.hit, "{}: {lost}", self.what);
        lost - self.hit
    }

    /// Both answers of an exchange come, unless the fault is over between them: then the later one has its own id.
    #[track_caller]
    fn unanswered(&self) -> u64 {
        let unanswered = self.errors.get("timeout").copied().unwrap_or(0);
        let all: u64 = self.errors.values().sum();
        assert!(
            unanswered == all && all <= 1,
            "{}: {:?}",
            self.what,
            self.errors
        );
        unanswered
    }

    /// As many calls of the tool as were hit are late, large, or out of their order.
    #[track_caller]
    fn assert_answers(&self, shows: Shows) {
        let echoed = |is: &dyn Fn(&Value) -> bool| {
            let echoed = self.calls.iter();
            echoed.filter(|c| c["tool"] == "echo" && is(c)).count() as u64
        };
        let (n, least, most) = match shows {
            Slow(us) => (echoed(&|c| service_us(c) >= us), self.hit, u64::MAX),
            Large(bytes) => {
                let large = echoed(&|c| number(c, "received_bytes") >= bytes);
                (large, self.hit, self.hit)
            }
            // One whose next answer came later than it may wait has kept its place.
            Overtaken => (overtaken(&self.calls), self.hit / 2, u64::MAX),
            _ => return,
        };
        assert!((least..=most).contains(&n), "{}: {n}", self.what);
    }
}

/// How many calls were done after one that was sent later.
fn overtaken(calls: &[&Value]) -> u64 {
    let mut latest = 0;
    let mut overtaken = 0;
    for call in calls {
        let index = number(call, "index");
        overtaken += u64::from(index < latest);
        latest = latest.max(index);
    }
    overtaken
}
