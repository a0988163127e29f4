//! mcp-gen as it is run here, and the message that it and its rivals send.

use crate::pinned;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

/// The argument of the tool `echo`: as long as those of the profile `normal`.
pub fn message() -> String {
    "x".repeat(512)
}

/// What a rival sends for the same call: only the id never changes.
pub fn body() -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":100000,"method":"tools/call","params":{{"name":"echo","arguments":{{"message":"{}"}}}}}}"#,
        message()
    )
}

/// A run of mcp-gen.
pub struct Load {
    /// Its final summary.
    pub summary: Value,
    /// Of the whole process, finding out the dialect included, per call.
    pub cpu_us_per_call: f64,
}

impl Load {
    /// Calls answered well.
    pub fn calls(&self) -> f64 {
        self.summary["ok"].as_f64().unwrap_or_default()
    }

    /// Bytes of a request.
    pub fn request_bytes(&self) -> f64 {
        self.summary["sent_bytes"].as_f64().unwrap_or_default() / self.calls()
    }

    /// Runs it on a CPU, without warm-up; all of its calls must have been fine.
    ///
    /// # Errors
    /// Where one was not, or mcp-gen failed.
    pub fn run(cpu: usize, url: &str, span: Duration, options: &[&str]) -> Result<Self> {
        let done = pinned::run(
            cpu,
            Command::new(pipe_tests::tools().join("mcp-gen"))
                .args(["--url", url, "--for", &format!("{}s", span.as_secs())])
                .args(["--connect-for", "300ms", "--warmup", "0s", "--quiet"])
                .args(options),
        )?;
        let summary = done
            .text
            .lines()
            .flat_map(serde_json::from_str::<Value>)
            .find(|r| r["type"] == "summary" && r["final"] == true)
            .context("mcp-gen wrote no final summary")?;
        let ok = summary["ok"].as_f64().unwrap_or_default();
        let errors = summary["errors"].as_object().is_none_or(|e| e.is_empty());
        ensure!(ok > 0.0 && errors, "not all calls were fine: {summary}");
        Ok(Self {
            cpu_us_per_call: done.cpu_us / ok,
            summary,
        })
    }

    /// Closed loop of `tools/call echo`, `in_flight` calls on each of `clients` connections.
    ///
    /// # Errors
    /// As [`Load::run`].
    pub fn echo(
        cpu: usize,
        url: &str,
        span: Duration,
        clients: usize,
        in_flight: usize,
    ) -> Result<Self> {
        let args = format!(r#"echo={{"message":"{}"}}"#, message());
        let (clients, in_flight) = (clients.to_string(), in_flight.to_string());
        let call = ["--method", "tools/call", "--tool", "echo", "--args", &args];
        let loop_ = ["--closed", "--clients", &clients, "--in-flight", &in_flight];
        let era = ["--protocol", "legacy", "--max-connections", "1"];
        Self::run(cpu, url, span, &[&call[..], &loop_, &era].concat())
    }
}
