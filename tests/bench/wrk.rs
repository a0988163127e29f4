//! wrk, the HTTP client that others are measured by: closed loop, one thread, no look at what it gets.

use crate::load::body;
use crate::pinned::{self, Done};
use anyhow::{Context as _, Result, ensure};
use pipe_tests::Folder;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

/// wrk with the script that makes it send one `tools/call` again and again.
pub struct Wrk {
    folder: Folder,
    start_up_us: f64,
}

impl Wrk {
    /// Writes the script, and measures what wrk needs before its first call: of mcp-gen that is not counted either.
    ///
    /// # Errors
    /// Where wrk is missing, or the script cannot be written.
    pub fn new(cpu: usize, clients: usize) -> Result<Self> {
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
        // It takes connections and never answers.
        let mute = TcpListener::bind("127.0.0.1:0")?;
        rustix::net::listen(&mute, 4_096)?;
        let url = format!("http://{}/mcp", mute.local_addr()?);
        let start_up_us = command(cpu, &folder, &url, Duration::from_secs(1), clients)?.cpu_us;
        Ok(Self {
            folder,
            start_up_us,
        })
    }

    /// CPU microseconds per call, and calls per second.
    ///
    /// # Errors
    /// Where a call was not answered with 200.
    pub fn run(&self, cpu: usize, url: &str, span: Duration, clients: usize) -> Result<(f64, f64)> {
        let done = command(cpu, &self.folder, url, span, clients)?;
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
        Ok((
            (done.cpu_us - self.start_up_us) / calls,
            calls / span.as_secs_f64(),
        ))
    }
}

fn command(cpu: usize, folder: &Folder, url: &str, span: Duration, clients: usize) -> Result<Done> {
    pinned::run(
        cpu,
        Command::new("wrk")
            .args(["-t1", &format!("-c{clients}"), "-s", "post.lua"])
            .args([&format!("-d{}s", span.as_secs()), url])
            .current_dir(folder.path()),
    )
}
