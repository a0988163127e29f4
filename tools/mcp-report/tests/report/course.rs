//! Loads second by second, with faults and a known truth.

use crate::stream::{GEN, SCRAPE, Stream, T0_US, histogram};
use record::kind::{End, Fault, Generator, Interval, Stage, Summary};
use std::collections::BTreeMap;

pub const CHAOS: &str = "mcp-chaos#77aa10";

/// What happens to one target in one second.
#[derive(Clone, Default)]
pub struct Second {
    pub due: u64,
    pub ok: u64,
    /// Of the ok calls.
    pub us: u64,
    pub errors: Vec<(&'static str, u64)>,
}

/// So many calls, all ok after so long.
pub fn fine(calls: u64, us: u64) -> Second {
    Second {
        due: calls,
        ok: calls,
        us,
        errors: vec![],
    }
}

/// So many calls, all failed.
pub fn failing(calls: u64, class: &'static str) -> Second {
    Second {
        due: calls,
        errors: vec![(class, calls)],
        ..Second::default()
    }
}

/// Calls that are due and not answered.
pub fn silent(calls: u64) -> Second {
    Second {
        due: calls,
        ..Second::default()
    }
}

/// A load of so many seconds from two seconds after t0 on, in the stage `steady`.
pub struct Course {
    pub seconds: u64,
    /// So many more for calls to end in.
    pub drain: u64,
    pub targets: Vec<&'static str>,
    /// What happens in a second since t0 to the n-th target.
    pub truth: fn(u64, usize) -> Second,
    /// A slow reader made one of these: (first, count).
    pub added_up: Option<(u64, u64)>,
    /// How much later than t0 its seconds begin.
    pub offset_us: u64,
    pub from: &'static str,
}

impl Course {
    pub fn of(seconds: u64, truth: fn(u64, usize) -> Second) -> Self {
        Self {
            seconds,
            drain: 0,
            targets: vec!["local-1", "local-2"],
            truth,
            added_up: None,
            offset_us: 0,
            from: GEN,
        }
    }

    /// `mcp-gen | mcp-chaos`, with these records of faults before the second in which they are written.
    pub fn stream(&self, faults: &[Fault]) -> Stream {
        let mut s = Stream::default();
        s.start(CHAOS).start(self.from).ready(1);
        self.write(&mut s, faults);
        s.end(CHAOS, "done");
        s
    }

    /// All but the starts.
    pub fn write(&self, s: &mut Stream, faults: &[Fault]) {
        let stage = Stage {
            stage: "steady".into(),
            state: "began".into(),
            start_us: T0_US + 2_000_000,
            planned_us: self.seconds * 1_000_000,
            ..Stage::default()
        };
        s.put(self.from, stage);
        let mut faults = faults.iter().peekable();
        let mut sum = Summary {
            stage: Some("steady".into()),
            profile: Some("normal".into()),
            method: Some("ping".into()),
            start_us: T0_US + 2_000_000,
            span_us: self.seconds * 1_000_000,
            ..Summary::default()
        };
        let mut answers = vec![];
        let mut late = vec![];
        for second in 2..2 + self.seconds + self.drain {
            let over_us = T0_US + (second + 1) * 1_000_000;
            while let Some(fault) = faults.next_if(|f| f.at_us < over_us) {
                s.put(CHAOS, fault.clone());
            }
            for (n, target) in self.targets.iter().enumerate() {
                let told = (self.truth)(second, n);
                let interval = self.interval(second, target, &told);
                sum.scheduled += told.due;
                sum.sent += told.due;
                sum.ok += told.ok;
                for (class, n) in &told.errors {
                    *sum.errors.entry((*class).to_owned()).or_default() += n;
                }
                answers.extend(std::iter::repeat_n(told.us, told.ok as usize));
                match self.added_up {
                    Some((first, count)) if (first..first + count).contains(&second) => {
                        late.push(interval);
                    }
                    _ => {
                        s.put(self.from, interval);
                    }
                }
            }
            if self
                .added_up
                .is_some_and(|(first, count)| second + 1 == first + count)
            {
                self.added(s, &mut late);
            }
        }
        sum.ok_in_stage = sum.ok;
        sum.response = Some(histogram(answers.iter().copied()).with_hdr());
        sum.service = sum.response.clone();
        s.put(self.from, sum.clone());
        let last = Summary {
            is_final: true,
            stage: None,
            generator: Some(Generator {
                model: "open".into(),
                clients: 2,
                threads: 1,
                wall_us: (2 + self.seconds) * 1_000_000,
                ..Generator::default()
            }),
            ..sum
        };
        s.put(self.from, last);
        let end = End {
            why: "done".into(),
            ..End::default()
        };
        s.put(self.from, end);
        for fault in faults {
            s.put(CHAOS, fault.clone());
        }
    }

    fn interval(&self, second: u64, target: &str, told: &Second) -> Interval {
        let answers = histogram(std::iter::repeat_n(told.us, told.ok as usize)).with_hdr();
        let answers = (told.ok > 0).then_some(answers);
        let errors: BTreeMap<String, u64> = told
            .errors
            .iter()
            .map(|(c, n)| ((*c).to_owned(), *n))
            .collect();
        Interval {
            stage: "steady".into(),
            profile: "normal".into(),
            target: target.into(),
            method: "ping".into(),
            start_us: T0_US + self.offset_us + second * 1_000_000,
            span_us: 1_000_000,
            scheduled: told.due,
            sent: told.due,
            ok: told.ok,
            ok_in_stage: told.ok,
            errors,
            response: answers.clone(),
            service: answers,
            ..Interval::default()
        }
    }

    /// One interval a target in place of several, as mcp-gen writes them when its reader was slow.
    fn added(&self, s: &mut Stream, late: &mut Vec<Interval>) {
        for target in &self.targets {
            let parts: Vec<_> = late.iter().filter(|i| i.target == *target).collect();
            let mut sum = (*parts[0]).clone();
            let mut answers = record::Histogram::default();
            for part in &parts {
                if let Some(more) = part.response.as_ref().and_then(record::Latency::histogram) {
                    answers.add(&more);
                }
            }
            for part in &parts[1..] {
                sum.span_us += part.span_us;
                sum.scheduled += part.scheduled;
                sum.sent += part.sent;
                sum.ok += part.ok;
                sum.ok_in_stage += part.ok;
                for (class, n) in &part.errors {
                    *sum.errors.entry(class.clone()).or_default() += n;
                }
            }
            sum.response = Some(answers.with_hdr());
            sum.service = sum.response.clone();
            s.put(self.from, sum);
        }
        late.clear();
    }
}

/// A fault's records: `kind` on `targets` from `began_ms` since t0, and to `ended_ms` where it ended.
pub fn fault(
    id: &str,
    kind: &str,
    targets: &[&str],
    began_ms: u64,
    ended_ms: Option<u64>,
) -> Vec<Fault> {
    let record = |state: &str, ms: u64| Fault {
        id: id.into(),
        state: state.into(),
        kind: kind.into(),
        targets: targets.iter().map(|t| (*t).to_owned()).collect(),
        at_us: T0_US + ms * 1_000,
        t_us: Some(i64::try_from(ms * 1_000).unwrap()),
        ..Fault::default()
    };
    let mut records = vec![record("began", began_ms)];
    records.extend(ended_ms.map(|ms| record("ended", ms)));
    records
}

/// The same load behind mcp-scrape, so that the stream has one filter more whose end is owed.
pub fn scraped(course: &Course, faults: &[Fault]) -> Stream {
    let mut s = Stream::default();
    s.start(SCRAPE).start(CHAOS).start(course.from).ready(1);
    course.write(&mut s, faults);
    s.end(CHAOS, "done").end(SCRAPE, "done");
    s
}
