//! A process that is stopped goes on: at the end of its tool, however that comes, at the deadline, and by a sweep.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use common::{Folder, Owner, pid_in, runs, signal, until};
use rustix::process::Signal;
use std::process::{Child, Command};
use std::time::Duration;
use undo::{Identity, Paused, sweep};

/// A process of this test, ended with it.
struct Victim(Child);

impl Victim {
    /// In a session and so in a group of its own, as servers are: when the leader of a group in our session dies, the
    /// kernel sends SIGHUP to those who stand still.
    fn leading(script: &str) -> Self {
        Self(
            Command::new("setsid")
                .args(["sh", "-c", script])
                .spawn()
                .unwrap(),
        )
    }

    /// In the group of the test.
    fn start(script: &str) -> Self {
        Self(Command::new("sh").args(["-c", script]).spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}

fn pausing(folder: &Folder, victim: i32, deadline_s: &str) -> Owner {
    let pid = victim.to_string();
    let env = [
        ("OWNER_PAUSE", pid.as_str()),
        ("OWNER_DEADLINE_S", deadline_s),
    ];
    let owner = Owner::start_with(folder, "run-p", "owner#1", &["sleep", "600"], &env);
    // SIGSTOP takes its moment to reach a process that runs.
    until("it stands still", || is_stopped(victim));
    owner
}

#[test]
fn after_sigkill_of_the_tool_the_keeper_lets_process_and_group_go_on() {
    let folder = Folder::new();
    let file = folder.0.join("child");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let victim = Victim::leading(&script);
    let child = pid_in(&file);
    let owner = pausing(&folder, victim.pid(), "60");
    until("its group stands still, too", || is_stopped(child));
    signal(owner.pid(), Signal::KILL);
    until("it goes on", || !is_stopped(victim.pid()));
    until("its group goes on", || !is_stopped(child));
    assert!(runs(victim.pid()) && runs(child), "nobody is ended");
    until("the keeper is gone", || !runs(owner.keeper));
    assert_eq!(folder.journals(), 0, "nothing is left to undo");
    signal(child, Signal::KILL);
}

#[test]
fn the_rest_of_a_group_goes_on_whose_leader_was_killed_meanwhile() {
    let folder = Folder::new();
    let file = folder.0.join("child");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let mut victim = Victim::leading(&script);
    let child = pid_in(&file);
    let owner = pausing(&folder, victim.pid(), "60");
    until("its group stands still, too", || is_stopped(child));
    victim.0.kill().unwrap();
    victim.0.wait().unwrap();
    assert!(is_stopped(child));
    signal(owner.pid(), Signal::KILL);
    until("the rest goes on", || !is_stopped(child));
    assert!(runs(child));
    signal(child, Signal::KILL);
}

#[test]
fn the_deadline_lets_it_go_on_while_the_tool_lives_and_in_good_order_its_end_does() {
    let folder = Folder::new();
    let victim = Victim::start("exec sleep 600");
    let mut owner = pausing(&folder, victim.pid(), "1");
    until("it goes on", || !is_stopped(victim.pid()));
    assert!(
        owner.process.try_wait().unwrap().is_none(),
        "the tool lives"
    );
    drop(owner);

    let mut owner = pausing(&folder, victim.pid(), "60");
    drop(owner.process.stdin.take());
    assert!(owner.process.wait().unwrap().success());
    assert!(!is_stopped(victim.pid()));
}

#[test]
fn when_tool_and_keeper_die_at_once_a_sweep_of_the_run_lets_it_go_on_once() {
    let folder = Folder::new();
    let victim = Victim::start("exec sleep 600");
    let owner = pausing(&folder, victim.pid(), "60");
    signal(owner.pid(), Signal::STOP);
    signal(owner.keeper, Signal::KILL);
    signal(owner.pid(), Signal::KILL);
    until("both are dead", || {
        !runs(owner.pid()) && !runs(owner.keeper)
    });
    let grace = Duration::from_secs(2);
    let other = sweep(&folder.state(), Some("run-q"), grace).unwrap();
    assert!(other.is_empty() && is_stopped(victim.pid()), "{other:?}");
    let swept = sweep(&folder.state(), Some("run-p"), grace).unwrap();
    assert_eq!(swept.len(), 1);
    let phrase = format!("the pause of process {}", victim.pid());
    assert!(swept[0].undone.contains(&phrase), "{swept:?}");
    assert!(!is_stopped(victim.pid()) && !runs(owner.child));
    assert!(sweep(&folder.state(), None, grace).unwrap().is_empty());
}

#[test]
fn who_was_stopped_by_others_is_left_to_them_and_a_pid_that_is_anothers_now_is_not_hit() {
    let victim = Victim::start("exec sleep 600");
    let mut identity = Identity::of(victim.pid()).unwrap();
    let paused = Paused::plan(&identity).unwrap();
    signal(victim.pid(), Signal::STOP);
    until("it stands still", || is_stopped(victim.pid()));
    let wrong = Paused::plan(&identity).unwrap_err().to_string();
    assert!(wrong.contains("somebody else"), "{wrong}");

    identity.start_ticks += 1;
    let stranger = Paused { identity, ..paused };
    assert!(Paused::plan(&stranger.identity).is_err());
    signal(victim.pid(), Signal::CONT);
    until("it goes on", || !is_stopped(victim.pid()));
    assert!(stranger.apply().is_err() && !is_stopped(victim.pid()));
}
