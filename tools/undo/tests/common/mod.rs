//! What the tests share: a state folder of their own, the example tool, and waiting for a condition.
#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use undo::State;

/// A state folder that is removed at the end of its test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("undo-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn state(&self) -> State {
        State::at(&self.0).unwrap()
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

/// Cargo builds examples before tests, next to the folder of the test binaries.
pub fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples/owner");
    assert!(
        path.exists(),
        "build it first: cargo build -p undo --examples"
    );
    path
}

/// A running example tool.
pub struct Owner {
    pub process: Child,
    pub keeper: i32,
    pub child: i32,
    pub log: PathBuf,
}

impl Owner {
    pub fn start(folder: &Folder, run: &str, from: &str, command: &[&str]) -> Self {
        Self::start_with(folder, run, from, command, &[])
    }

    pub fn start_with(
        folder: &Folder,
        run: &str,
        from: &str,
        command: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let mut process = Command::new(example())
            .args([run, from])
            .args(command)
            .env("MCPIPE_STATE", &folder.0)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: serde_json::Value =
            serde_json::from_str(&line).expect("the owner says what it started");
        Self {
            keeper: said["keeper"].as_i64().unwrap() as i32,
            child: said["child"].as_i64().unwrap() as i32,
            log: PathBuf::from(said["log"].as_str().unwrap()),
            process,
        }
    }

    pub fn pid(&self) -> i32 {
        self.process.id() as i32
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process that this test started.
pub fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Whether a process runs; a zombie doesn't.
pub fn runs(pid: i32) -> bool {
    undo::Identity::of(pid).is_ok_and(|identity| identity.is_alive())
}

/// Waits for a condition, generously: a loaded machine is no failure.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The pid that a shell wrote into a file, as soon as it is there.
pub fn pid_in(file: &Path) -> i32 {
    let mut pid = None;
    until("the pid file is written", || {
        pid = std::fs::read_to_string(file)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        pid.is_some()
    });
    pid.unwrap()
}
