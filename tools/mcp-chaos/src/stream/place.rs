//! Where we stand in the pipe, and which tools stand upstream.

use record::kind::Start;
use record::{Body, Record, clock};
use std::collections::HashMap;

/// So many tools upstream are remembered; there are two as a rule.
const MAX_TOOLS: usize = 64;

/// Where we stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Between the servers and the load: in its path.
    Upstream,
    /// Behind mcp-gen: its stages and seconds come by, its calls don't.
    Behind,
}

/// The tools upstream, by what they have said.
#[derive(Default)]
pub struct Standing {
    place: Option<Place>,
    /// Those that have said `start` and not yet `end`.
    open: Vec<String>,
    /// The boot of the machine on which each runs.
    boots: HashMap<String, String>,
}

impl Standing {
    /// Takes in a record; where we stand, at the one from which that is clear: every `start` precedes every target.
    pub fn note(&mut self, record: &Record) -> Option<Place> {
        match &record.body {
            Body::Start(start) => {
                if self.open.len() < MAX_TOOLS && !record.from.is_empty() {
                    self.open.push(record.from.clone());
                    self.boots
                        .insert(record.from.clone(), start.boot_id.clone());
                }
                self.settle(start.tool == "mcp-gen", Place::Behind)
            }
            Body::End(_) => {
                self.open.retain(|tool| *tool != record.from);
                None
            }
            Body::Target(_) | Body::Ready(_) => self.settle(true, Place::Upstream),
            _ => None,
        }
    }

    /// Where we stand, once that is clear.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    fn settle(&mut self, is_clear: bool, place: Place) -> Option<Place> {
        if !is_clear || self.place.is_some() {
            return None;
        }
        self.place = Some(place);
        self.place
    }

    /// Whether what this tool says of processes is said of those of this machine. Who has not introduced itself, as with
    /// a target written by hand, is believed to be here.
    #[must_use]
    pub fn is_here(&self, from: &str) -> bool {
        self.boots
            .get(from)
            .is_none_or(|boot| *boot == clock::boot_id())
    }

    /// Whether a tool has said `start` and no `end`.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        !self.open.is_empty()
    }
}

/// The pid of a tool that runs on this machine.
#[must_use]
pub fn pid_here(start: &Start) -> Option<i32> {
    let is_here = start.boot_id == clock::boot_id();
    i32::try_from(start.pid).ok().filter(|_| is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record {
        Record::parse(line.as_bytes()).unwrap()
    }

    fn start(tool: &str, from: &str, boot: &str) -> Record {
        record(&format!(
            r#"{{"type":"start","from":"{from}","tool":"{tool}","version":"1","pid":7,"host":"h","boot_id":"{boot}","kernel":"k","cpus":1,"args":[]}}"#
        ))
    }

    #[test]
    fn the_start_of_mcp_gen_or_else_the_first_target_says_where_we_stand() {
        let mut standing = Standing::default();
        assert_eq!(
            standing.note(&start("mcp-deploy", "mcp-deploy#1", "b")),
            None
        );
        let target = record(r#"{"type":"target","url":"ws://127.0.0.1:1/mcp"}"#);
        assert_eq!(standing.note(&target), Some(Place::Upstream));
        assert_eq!(standing.note(&target), None, "told once");

        let mut standing = Standing::default();
        let place = standing.note(&start("mcp-gen", "mcp-gen#1", "b"));
        assert_eq!(place, Some(Place::Behind));
        assert_eq!(standing.note(&target), None);
    }

    #[test]
    fn who_said_start_and_no_end_is_silent_and_pids_of_other_machines_are_not_ours() {
        let mut standing = Standing::default();
        let here = clock::boot_id();
        standing.note(&start("mcp-deploy", "mcp-deploy#1", "elsewhere"));
        standing.note(&start("mcp-deploy", "mcp-deploy#2", &here));
        assert!(!standing.is_here("mcp-deploy#1") && standing.is_here("mcp-deploy#2"));
        assert!(standing.is_here(""), "written by hand");
        for tool in ["mcp-deploy#1", "mcp-deploy#2"] {
            assert!(standing.is_silent());
            standing.note(&record(&format!(
                r#"{{"type":"end","from":"{tool}","why":"done","exit":0}}"#
            )));
        }
        assert!(!standing.is_silent());
    }
}
