//! wrk, the HTTP client that others are measured by: closed loop, one thread, no look at what it gets.

use crate::load::body;
use crate::pinned;
use anyhow::{Context as _, Result, ensure};
use pipe_tests::Folder;
use std::process::Command;
use std::time::Duration;

/// wrk with the script that makes it send one `tools/call` again and again.
pub struct Wrk(Folder);

impl Wrk {
    /// Writes the script.
    ///
    /// # Errors
    /// Where wrk is missing, or the script cannot be written.
    pub fn new() -> Result<Self> {
        // It has no --version that ends well; without arguments it prints its usage.
        Command::new("wrk")
            .output()
            .context("wrk is not installed (Debian: wrk), or leave cpu out")?;
        let folder = Folder::new();
        let script = format!(
            "wrk.method = 'POST'\nwrk.body = [[{}]]\n\
             wrk.headers['Content-Type'] = 'application/json'\n\
             wrk.headers['Accept'] = 'application/json, text/event-stream'\n\
             wrk.headers['MCP-Protocol-Version'] = '2025-11-25'\n",
            body()
        );
        std::fs::write(folder.path().join("post.lua"), script)?;
        Ok(Self(folder))
    }

    /// CPU microseconds per call, and calls per second.
    ///
    /// # Errors
    /// Where a call was not answered with 200.
    pub fn run(&self, cpu: usize, url: &str, span: Duration, clients: usize) -> Result<(f64, f64)> {
        let done = pinned::run(
            cpu,
            Command::new("wrk")
                .args(["-t1", &format!("-c{clients}"), "-s", "post.lua"])
                .args([&format!("-d{}s", span.as_secs()), url])
                .current_dir(self.0.path()),
        )?;
        let text = &done.text;
        ensure!(
            !text.contains("Non-2xx") && !text.contains("Socket errors"),
            "wrk: {text}"
        );
        let calls = text
            .lines()
            .find_map(|line| line.trim().split_once(" requests in "))
            .and_then(|(n, _)| n.parse::<f64>().ok())
            .filter(|n| *n > 0.0)
            .with_context(|| format!("wrk made no request: {text}"))?;
        Ok((done.cpu_us / calls, calls / span.as_secs_f64()))
    }
}
