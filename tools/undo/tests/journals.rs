//! Journals as they are found after accidents: torn, foreign, of another boot, of a pid that is another's now.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use common::{Folder, runs};
use undo::{Identity, Journal, Mark, Target, stop, sweep};

const GRACE: Duration = Duration::from_secs(5);

/// A process of this test in a group of its own, ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(
            Command::new("sleep")
                .arg("600")
                .process_group(0)
                .spawn()
                .unwrap(),
        )
    }

    fn identity(&self) -> Identity {
        Identity::of(self.0.id() as i32).unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A journal as a dead tool left it, with one process in it.
fn orphan(
    folder: &Folder,
    process: &Identity,
    change: impl Fn(&mut serde_json::Value),
) -> std::path::PathBuf {
    let state = folder.state();
    let journal = Journal::create(&state, "run-x", "owner", "owner#9").unwrap();
    let path = journal.path().to_owned();
    let mut header: serde_json::Value =
        serde_json::from_str(fs::read_to_string(&path).unwrap().trim()).unwrap();
    drop(journal);
    // The owner's pid is this test's, with a start time that nobody has: dead.
    header["owner"]["start_ticks"] = 1.into();
    change(&mut header);
    let plan = serde_json::json!({
        "op": "plan", "id": "child-1", "ts_us": 1, "kind": "process",
        "detail": {"pid": process.pid, "start_ticks": process.start_ticks, "boot_id": process.boot_id, "pgid": process.pid, "command": "sleep 600"},
    });
    fs::write(&path, format!("{header}\n{plan}\n")).unwrap();
    path
}

fn append(path: &std::path::Path, bytes: &[u8]) {
    fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

#[test]
fn a_sweep_ends_what_a_dead_tool_left_and_a_second_sweep_finds_nothing() {
    let (folder, sleeper) = (Folder::new(), Sleeper::start());
    orphan(&folder, &sleeper.identity(), |_| {});
    let swept = sweep(&folder.state(), None, GRACE).unwrap();
    assert_eq!(swept.len(), 1);
    assert!(swept[0].undone[0].contains("sleep 600"), "{swept:?}");
    assert!(!runs(sleeper.identity().pid));
    assert_eq!(folder.journals(), 0);
    assert!(sweep(&folder.state(), None, GRACE).unwrap().is_empty());
}

#[test]
fn a_pid_that_is_another_process_now_is_not_signalled() {
    let (folder, sleeper) = (Folder::new(), Sleeper::start());
    let mut other = sleeper.identity();
    other.start_ticks -= 1;
    orphan(&folder, &other, |_| {});
    let swept = sweep(&folder.state(), None, GRACE).unwrap();
    assert!(
        swept[0].undone.is_empty() && swept[0].kept.is_empty(),
        "{swept:?}"
    );
    assert!(runs(sleeper.identity().pid));
}

#[test]
fn after_a_reboot_processes_are_forgotten() {
    let (folder, sleeper) = (Folder::new(), Sleeper::start());
    orphan(&folder, &sleeper.identity(), |header| {
        header["owner"]["boot_id"] = "another".into()
    });
    let swept = sweep(&folder.state(), None, GRACE).unwrap();
    assert!(swept[0].undone.is_empty());
    assert!(runs(sleeper.identity().pid));
    assert_eq!(folder.journals(), 0);
}

#[test]
fn journals_of_another_machine_or_container_are_left_alone() {
    let (folder, sleeper) = (Folder::new(), Sleeper::start());
    for (field, value) in [("host", "elsewhere"), ("pid_namespace", "pid:[1]")] {
        let path = orphan(&folder, &sleeper.identity(), |header| {
            header[field] = value.into()
        });
        assert!(sweep(&folder.state(), None, GRACE).unwrap().is_empty());
        fs::remove_file(path).unwrap();
    }
    assert!(runs(sleeper.identity().pid));
}

#[test]
fn the_journal_of_a_living_tool_is_left_alone() {
    let folder = Folder::new();
    let journal = Journal::create(&folder.state(), "run-x", "owner", "owner#9").unwrap();
    assert!(sweep(&folder.state(), None, GRACE).unwrap().is_empty());
    assert!(journal.path().exists());
    assert_eq!(
        fs::metadata(journal.path()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_torn_last_line_was_never_applied_and_the_rest_counts() {
    let (folder, sleeper) = (Folder::new(), Sleeper::start());
    let path = orphan(&folder, &sleeper.identity(), |_| {});
    append(&path, br#"{"op":"plan","id":"child-2","kind":"pro"#);
    let swept = sweep(&folder.state(), None, GRACE).unwrap();
    assert_eq!(
        (swept[0].undone.len(), swept[0].kept.len()),
        (1, 0),
        "{swept:?}"
    );
    assert!(!path.exists());
}

#[test]
fn an_unknown_kind_is_reported_and_its_journal_kept() {
    let (folder, sleeper) = (Folder::new(), Sleeper::start());
    let path = orphan(&folder, &sleeper.identity(), |_| {});
    append(&path, b"{\"op\":\"plan\",\"id\":\"q-1\",\"ts_us\":1,\"kind\":\"qdisc\",\"detail\":{\"dev\":\"lo\"}}\n{\"op\":\"lease\",\"id\":\"l\"}\n");
    for undone in [1, 0] {
        let swept = sweep(&folder.state(), None, GRACE).unwrap();
        assert_eq!(
            (swept[0].undone.len(), swept[0].kept.len()),
            (undone, 2),
            "{swept:?}"
        );
        assert!(swept[0].kept[0].contains("qdisc") && swept[0].kept[1].contains("lease"));
    }
    assert!(path.exists());
}

#[test]
fn a_journal_with_thousands_of_finished_entries_stays_small() {
    let folder = Folder::new();
    let mut journal = Journal::create(&folder.state(), "run-x", "owner", "owner#9").unwrap();
    let plan = |id: String| undo::Plan {
        id,
        ts_us: 1,
        deadline_mono_us: None,
        kind: "proxy".to_owned(),
        detail: serde_json::Value::String("x".repeat(1_000)),
    };
    journal.plan(plan("stays".to_owned())).unwrap();
    for number in 0..1_500 {
        journal.plan(plan(number.to_string())).unwrap();
        journal.done(&number.to_string()).unwrap();
    }
    let file = fs::File::open(journal.path()).unwrap();
    assert!(file.metadata().unwrap().len() < 5 << 18);
    let contents = undo::Contents::read(&file).unwrap();
    assert_eq!(contents.open.keys().collect::<Vec<_>>(), ["stays"]);
    assert_eq!(contents.header.unwrap().run, "run-x");
    assert!(
        sweep(&folder.state(), None, GRACE).unwrap().is_empty(),
        "still locked under its new file"
    );
}

#[test]
fn stopping_twice_is_stopping_once_and_never_touches_the_own_group() {
    let sleeper = Sleeper::start();
    let mark = |child: &str| Mark {
        run: "run-y".to_owned(),
        from: "owner#9".to_owned(),
        child: child.to_owned(),
    };
    let target = Target {
        pgid: sleeper.identity().pid,
        identity: sleeper.identity(),
        mark: mark("a"),
    };
    assert!(stop(std::slice::from_ref(&target), GRACE)[0].ran);
    assert!(!stop(&[target], GRACE)[0].ran);
    for pgid in [0, 1, rustix::process::getpgrp().as_raw_nonzero().get()] {
        let own = Target {
            identity: Identity::current().unwrap(),
            pgid,
            mark: mark("b"),
        };
        assert!(!stop(&[own], GRACE)[0].ran);
    }
}
