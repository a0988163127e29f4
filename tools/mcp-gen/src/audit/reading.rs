//! Reading the servers' files after the load, until what may still come has come.

use super::ledger::{Fate, Noted, Pages};
use super::lines::{AuditFile, Line};
use super::{MAX_FILES, Order};
use record::kind::{Audit, AuditedCall};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The reference server writes at once. What is not there after this long without a new line does not come.
const QUIET: Duration = Duration::from_millis(300);
/// Where a call that was answered has no line yet, so long: the server's machine may be busy.
const PATIENCE: Duration = Duration::from_secs(3);
/// Then it ends, whatever comes.
const LIMIT: Duration = Duration::from_secs(20);
/// So many calls of a kind are named.
const MOST_NAMED: usize = 20;

/// Whether there is more to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// More may come.
    Waits,
    /// That is all.
    Done,
}

/// Who reads the files.
pub struct Auditor {
    order: Order,
    files: Vec<AuditFile>,
    /// By the number of the client.
    clients: Vec<Pages>,
    /// Calls that were answered, and that no server has executed yet.
    missing: u64,
    left_out: u64,
    counted: Audit,
    began: Instant,
    grew: Instant,
    trouble: Option<String>,
}

impl Auditor {
    /// An auditor of the calls that so many workers have noted.
    #[must_use]
    pub fn new(order: Order, noted: Vec<Noted>, workers: usize) -> Self {
        let broken = workers > noted.len();
        let mut clients: Vec<Pages> = Vec::new();
        let mut left_out = 0;
        for worker in noted {
            left_out += worker.left_out;
            for (number, pages) in worker.clients {
                let number = number as usize;
                if number >= clients.len() {
                    clients.resize_with(number + 1, Pages::default);
                }
                clients[number] = pages;
            }
        }
        let answered = |pages: &Pages| pages.all().filter(|c| c.1 == Fate::Answered).count();
        let now = Instant::now();
        Self {
            missing: clients.iter().map(|p| answered(p) as u64).sum(),
            order,
            files: Vec::new(),
            clients,
            left_out,
            counted: Audit::default(),
            began: now,
            grew: now,
            trouble: broken.then(|| "a worker broke down with what it knew".to_owned()),
        }
    }

    /// Reads what has come since the last time.
    pub fn look(&mut self) -> Standing {
        self.find_files();
        let mut more = 0;
        for file in &mut self.files {
            let (clients, missing) = (&mut self.clients, &mut self.missing);
            let (counted, left_out) = (&mut self.counted, self.left_out);
            let read = file.read_on(&self.order.head, |line| {
                count(line, clients, missing, left_out, counted);
            });
            match read {
                Ok(n) => more += n,
                Err(e) => {
                    let text = format!("{} could not be read: {e}", file.path().display());
                    self.trouble.get_or_insert(text);
                    return Standing::Done;
                }
            }
        }
        let now = Instant::now();
        if more > 0 {
            self.grew = now;
        }
        let patience = if self.missing > 0 { PATIENCE } else { QUIET };
        if now >= self.grew + patience {
            return Standing::Done;
        }
        if now >= self.began + LIMIT {
            let text = format!(
                "the files still grow {} s after the load: servers execute calls that clients gave up long ago",
                LIMIT.as_secs()
            );
            self.trouble.get_or_insert(text);
            return Standing::Done;
        }
        Standing::Waits
    }

    /// Files that were named, and those that folders hold by now.
    fn find_files(&mut self) {
        let mut wanted: Vec<PathBuf> = Vec::new();
        for path in &self.order.paths {
            if path.is_dir() {
                wanted.extend(in_folder(path));
            } else {
                wanted.push(path.clone());
            }
        }
        for path in wanted {
            // A file in a folder may have been named besides, and is read once all the same.
            let path = path.canonicalize().unwrap_or(path);
            if self.files.len() < MAX_FILES && !self.files.iter().any(|f| f.path() == path) {
                self.files.push(AuditFile::new(path));
            }
        }
    }

    /// What it comes to. `cut_short`: nobody waited for the end.
    #[must_use]
    pub fn conclude(mut self, cut_short: bool) -> Audit {
        let torn = self.files.iter_mut().filter_map(AuditFile::end).count();
        self.counted.unreadable_lines += torn as u64;
        let mut audit = Audit {
            files: self.files.iter().filter(|f| f.is_open()).count() as u64,
            incomplete: self.incomplete(cut_short),
            ..self.counted
        };
        for (client, pages) in self.clients.iter().enumerate() {
            for (index, fate, times) in pages.all() {
                audit.calls += 1;
                let call = || AuditedCall {
                    token: format!("{}{client}/{index}", self.order.head),
                    client: client as u64,
                    index,
                    times: u64::from(times),
                };
                match times {
                    0 => audit.never_executed += 1,
                    1 => audit.executed_once += 1,
                    _ => name(&mut audit.executed_twice, &mut audit.twice, call),
                }
                match fate {
                    Fate::Answered if times == 0 => {
                        name(&mut audit.ok_never_executed, &mut audit.missing, call);
                    }
                    Fate::Failed if times > 0 => audit.failed_executed += 1,
                    Fate::Answered | Fate::Failed => {}
                }
            }
        }
        audit
    }

    /// Why nothing follows from the figures, where that is so.
    fn incomplete(&mut self, cut_short: bool) -> Option<String> {
        if let Some(trouble) = self.trouble.take() {
            return Some(trouble);
        }
        if let Some(absent) = self.files.iter().find(|f| !f.is_open()) {
            return Some(format!("{} is not there", absent.path().display()));
        }
        if self.files.is_empty() {
            return Some("the folder has no file whose name ends in .jsonl".to_owned());
        }
        if self.left_out > 0 {
            return Some(format!(
                "{} calls were more than are kept in memory: run shorter, or at a lower rate",
                self.left_out
            ));
        }
        cut_short.then(|| "nobody waited until the files had been read".to_owned())
    }
}

/// Counts a line at its call.
fn count(line: Line, clients: &mut [Pages], missing: &mut u64, left_out: u64, counted: &mut Audit) {
    match line {
        Line::Foreign => counted.foreign_lines += 1,
        Line::Unreadable => counted.unreadable_lines += 1,
        Line::Ours(client, index) => {
            counted.lines += 1;
            let client = usize::try_from(client)
                .ok()
                .and_then(|c| clients.get_mut(c));
            match client.and_then(|pages| pages.execute(index)) {
                Some((Fate::Answered, 0)) => *missing -= 1,
                Some(_) => {}
                // Where calls were left out, it may be one of those.
                None => counted.unknown_lines += u64::from(left_out == 0),
            }
        }
    }
}

/// Counts a call, and names it where not too many are named.
fn name(count: &mut u64, named: &mut Vec<AuditedCall>, call: impl Fn() -> AuditedCall) {
    *count += 1;
    if named.len() < MOST_NAMED {
        named.push(call());
    }
}

/// The files of a folder that may be audit files.
fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl") && path.is_file())
        .take(MAX_FILES)
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::super::Ledger;
    use super::*;
    use protocol::outcome::Outcome;

    #[test]
    fn lines_are_held_against_what_the_clients_saw() {
        let folder = std::env::temp_dir().join(format!("mcpipe-audits-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let line = |call: &str| format!("{{\"token\":\"r/a/{call}\",\"id\":1}}\n");
        let write = |file: &str, calls: &[&str]| {
            let text: String = calls.iter().map(|c| line(c)).collect();
            std::fs::write(folder.join(file), text).unwrap();
        };
        // Two replicas, and each has executed the client's second call.
        write("one.jsonl", &["0/0", "0/1", "3/0"]);
        write("two.jsonl", &["0/1", "3/1", "9/9"]);
        std::fs::write(folder.join("notes.txt"), "no audit file").unwrap();

        let mut ledger = Ledger::new(2, 1 << 20);
        for (c, index, outcome) in [
            (0, 0, Outcome::Ok),
            (0, 1, Outcome::ToolError),
            (0, 2, Outcome::Ok),
            (1, 0, Outcome::Timeout),
            (1, 1, Outcome::Ok),
            (1, 2, Outcome::RpcError(-32603)),
        ] {
            ledger.note(c, index, outcome);
        }
        let order = Order {
            paths: vec![folder.clone(), folder.join("one.jsonl")],
            head: "r/a/".to_owned(),
        };
        let noted = ledger.of_clients([0, 3].into_iter());
        let mut auditor = Auditor::new(order, vec![noted], 1);
        assert_eq!(auditor.look(), Standing::Waits);
        assert_eq!(auditor.missing, 1);
        let audit = auditor.conclude(false);
        let names = |calls: &[AuditedCall]| {
            let names = calls.iter().map(|c| (c.token.clone(), c.times));
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&audit.twice), [("r/a/0/1".to_owned(), 2)]);
        assert_eq!(names(&audit.missing), [("r/a/0/2".to_owned(), 0)]);
        let expected = Audit {
            files: 2,
            lines: 6,
            calls: 6,
            executed_once: 3,
            executed_twice: 1,
            never_executed: 2,
            ok_never_executed: 1,
            failed_executed: 1,
            unknown_lines: 1,
            twice: audit.twice.clone(),
            missing: audit.missing.clone(),
            ..Audit::default()
        };
        assert_eq!(audit, expected);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
