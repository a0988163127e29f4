//! Whoever is killed, whatever the order: nothing that was started stays.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use common::{Folder, Owner, pid_in, runs, signal, until};
use rustix::process::Signal;

/// A shell that leaves a grandchild in a session of its own (as `uvx` and `npx` may do), and stays.
fn with_grandchild(folder: &Folder) -> (String, std::path::PathBuf) {
    let file = folder.0.join("grandchild");
    let inner = format!("echo $$ > {}; exec sleep 600", file.display());
    (
        format!("setsid sh -c '{inner}' & (sleep 600 &) ; sleep 600"),
        file,
    )
}

#[test]
fn killing_the_tool_ends_its_child_and_a_grandchild_in_another_session() {
    let folder = Folder::new();
    let (script, file) = with_grandchild(&folder);
    let owner = Owner::start(&folder, "run-a", "owner#1", &["sh", "-c", &script]);
    let grandchild = pid_in(&file);
    assert_ne!(
        rustix::process::getpgid(rustix::process::Pid::from_raw(grandchild))
            .unwrap()
            .as_raw_nonzero()
            .get(),
        owner.child
    );
    signal(owner.pid(), Signal::KILL);
    until("the child is gone", || !runs(owner.child));
    until("the grandchild is gone", || !runs(grandchild));
    until("the keeper is gone", || !runs(owner.keeper));
    assert_eq!(folder.journals(), 0, "nothing is left to undo");
}

#[test]
fn a_child_that_ignores_sigterm_and_is_paused_is_ended_too() {
    let folder = Folder::new();
    let owner = Owner::start(
        &folder,
        "run-b",
        "owner#1",
        &["sh", "-c", "trap '' TERM; while :; do sleep 600; done"],
    );
    signal(owner.child, Signal::STOP);
    signal(owner.pid(), Signal::KILL);
    until("the child is gone", || !runs(owner.child));
}

#[test]
fn a_killed_keeper_is_replaced_and_the_new_one_keeps() {
    let folder = Folder::new();
    let owner = Owner::start(&folder, "run-c", "owner#1", &["sleep", "600"]);
    signal(owner.keeper, Signal::KILL);
    let mut second = None;
    until("another keeper stands", || {
        second = children_of(owner.pid())
            .into_iter()
            .find(|&pid| pid != owner.keeper && pid != owner.child && is_keeper(pid));
        second.is_some()
    });
    assert!(runs(owner.child), "the keeper's death harms nobody");
    signal(owner.pid(), Signal::KILL);
    until("the child is gone", || !runs(owner.child));
    until("the second keeper is gone", || !runs(second.unwrap()));
}

#[test]
fn when_tool_and_keeper_die_at_once_the_next_start_finishes_it() {
    let folder = Folder::new();
    let owner = Owner::start(&folder, "run-d", "owner#1", &["sleep", "600"]);
    // Paused, so that the one can't notice the other's death in between.
    signal(owner.pid(), Signal::STOP);
    signal(owner.keeper, Signal::KILL);
    signal(owner.pid(), Signal::KILL);
    until("both are dead", || {
        !runs(owner.pid()) && !runs(owner.keeper)
    });
    assert!(runs(owner.child), "nobody is there to end it");
    let next = Owner::start(&folder, "run-e", "owner#2", &["sleep", "600"]);
    assert!(
        !runs(owner.child),
        "the next start has ended it before it started its own"
    );
    assert!(runs(next.child));
    assert_eq!(folder.journals(), 1, "the old journal is gone");
}

#[test]
fn a_tool_that_ends_in_good_order_leaves_no_child_no_keeper_and_no_journal() {
    let folder = Folder::new();
    let mut owner = Owner::start(&folder, "run-f", "owner#1", &["sleep", "600"]);
    drop(owner.process.stdin.take());
    assert!(owner.process.wait().unwrap().success());
    assert!(!runs(owner.child) && !runs(owner.keeper));
    assert_eq!(folder.journals(), 0);
}

#[test]
fn one_tool_never_ends_the_children_of_another_in_the_same_run() {
    let folder = Folder::new();
    let (script, file) = with_grandchild(&folder);
    let first = Owner::start(&folder, "run-g", "owner#1", &["sh", "-c", &script]);
    let grandchild = pid_in(&file);
    let second = Owner::start(&folder, "run-g", "owner#2", &["sleep", "600"]);
    signal(second.pid(), Signal::KILL);
    until("its child is gone", || !runs(second.child));
    until("its keeper has done all", || !runs(second.keeper));
    assert!(
        runs(first.child) && runs(grandchild),
        "the other's children go on"
    );
}

#[test]
fn a_deadline_ends_the_child_while_the_tool_lives() {
    let folder = Folder::new();
    let env = [("OWNER_DEADLINE_S", "1")];
    let mut owner = Owner::start_with(&folder, "run-h", "owner#1", &["sleep", "600"], &env);
    until("the child is gone", || !runs(owner.child));
    assert!(
        owner.process.try_wait().unwrap().is_none(),
        "the tool lives"
    );
}

fn children_of(pid: i32) -> Vec<i32> {
    // One list for each thread: the keeper is started by the guard thread.
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .map(|pid| pid.parse().unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn is_keeper(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|&byte| byte == 0).any(|word| word == b"keeper"))
}
