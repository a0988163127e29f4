//! Ctrl-C: read on to the end, report, and die of it; the second at once.

use crate::stream::{GEN, Load, Stream, command, echo};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

/// Waits until the process has a handler for SIGINT.
fn until_it_watches(child: &Child) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let path = format!("/proc/{}/status", child.id());
    loop {
        let status = std::fs::read_to_string(&path).unwrap();
        let caught = status
            .lines()
            .find_map(|l| l.strip_prefix("SigCgt:"))
            .unwrap();
        if u64::from_str_radix(caught.trim(), 16).unwrap() & 2 != 0 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "no handler for SIGINT after 30 s"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn the_first_signal_waits_for_the_last_words_and_then_is_raised_again() {
    let mut child = command(&["--format", "json", "--fail-if", "p99 > 1us"])
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut s = Stream::default();
    s.start(GEN).ready(1);
    stdin.write_all(&s.bytes).unwrap();
    until_it_watches(&child);
    interrupt(&child);
    // Even where the generator had just finished, the run counts as interrupted: the script is to stop.
    let mut rest = Stream::default();
    Load::of(vec![echo(4_000)]).write(&mut rest);
    stdin.write_all(&rest.bytes).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(2));
    let v: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(v["verdict"], "NONE");
    assert_eq!(v["gates"][0]["state"], "not judged");
    assert_eq!(v["report"]["stages"][0]["total"]["ok"], 4_000);
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let mut child = command(&[]).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    until_it_watches(&child);
    // Signals of a kind that wait to be taken merge into one, so it is sent again until it has been seen twice.
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = loop {
        interrupt(&child);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it lives on after many signals");
        std::thread::sleep(Duration::from_millis(20));
    };
    drop(stdin);
    assert_eq!(status.signal(), Some(2));
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(stdout, "");
}
