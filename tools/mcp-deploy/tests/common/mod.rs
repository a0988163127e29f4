//! What the tests share: a running mcp-deploy, its records as they come, and waiting for a condition.
#![allow(clippy::unwrap_used, dead_code)] // in a test a panic is the report; each file uses its part

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_mcp-deploy");

/// A state folder that is removed at the end of its test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("mcp-deploy-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// mcp-deploy with this state folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env("MCPIPE_STATE", &self.0)
            .stdin(Stdio::null());
        command
    }

    pub fn journals(&self) -> usize {
        std::fs::read_dir(self.0.join("journal")).map_or(0, Iterator::count)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running mcp-deploy whose stdout is a pipe that this test reads.
pub struct Deploy {
    pub process: Child,
    records: Option<BufReader<ChildStdout>>,
    pub folder: Folder,
}

impl Deploy {
    pub fn start(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let mut process = folder
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            records: process.stdout.take().map(BufReader::new),
            process,
            folder,
        }
    }

    pub fn pid(&self) -> i32 {
        self.process.id() as i32
    }

    /// The next record.
    pub fn record(&mut self) -> Value {
        let mut line = String::new();
        self.records.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    /// The records up to the first of a type, that one included.
    pub fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut records = Vec::new();
        while records
            .last()
            .is_none_or(|last: &Value| last["type"] != kind)
        {
            records.push(self.record());
        }
        records
    }

    /// The pids of the first targets, once `ready` was read.
    pub fn ready(&mut self) -> Vec<i32> {
        let records = self.until("ready");
        let targets = records.iter().filter(|record| record["type"] == "target");
        targets.map(pid).collect()
    }

    /// Leaves, as `head` does.
    pub fn leave(&mut self) {
        drop(self.records.take());
    }

    /// What it says to people, line by line, until one holds this text.
    pub fn hear(&mut self, text: &str) {
        // Byte by byte: a buffer would swallow what the next call waits for.
        let stderr = self.process.stderr.as_mut().unwrap();
        let mut said = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&said).contains(text) {
            assert_eq!(
                stderr.read(&mut byte).unwrap(),
                1,
                "{}",
                String::from_utf8_lossy(&said)
            );
            said.push(byte[0]);
        }
    }

    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("mcp-deploy has ended", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// The keeper, found among its children.
    pub fn keeper(&self) -> i32 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let children = tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let all: Vec<i32> = children
            .flat_map(|line| {
                line.split_whitespace()
                    .map(|pid| pid.parse().unwrap())
                    .collect::<Vec<_>>()
            })
            .collect();
        let is_keeper = |pid: &i32| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.contains("\0keeper\0"))
        };
        all.into_iter().find(is_keeper).unwrap()
    }
}

impl Drop for Deploy {
    fn drop(&mut self) {
        // SIGKILL: what it started then is the keeper's, which is what we test.
        let _ = self.process.kill();
        let _ = self.process.wait();
        until("all of this test is undone", || self.folder.journals() == 0);
    }
}

/// The pid of a target or event.
pub fn pid(record: &Value) -> i32 {
    record["pid"].as_i64().unwrap() as i32
}

/// Sends a signal to a process of this test.
pub fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Whether a process runs; a zombie doesn't.
pub fn runs(pid: i32) -> bool {
    undo::Identity::of(pid).is_ok_and(|identity| identity.is_alive())
}

/// Waits for a condition, generously: a loaded machine is no failure.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
