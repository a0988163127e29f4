//! mcp-gen as it is run here, and the message that it and its rivals send.

use crate::meter::Meter;
use crate::pinned;
use anyhow::{Result, ensure};
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

/// What a rival sends for a ping.
pub fn ping() -> String {
    r#"{"jsonrpc":"2.0","id":100000,"method":"ping","params":{}}"#.to_owned()
}

/// How `tools/call echo` is asked for.
pub fn echo() -> Vec<String> {
    let arguments = format!(r#"echo={{"message":"{}"}}"#, message());
    let call = [
        "--method",
        "tools/call",
        "--tool",
        "echo",
        "--args",
        &arguments,
    ];
    call.map(str::to_owned).to_vec()
}

/// How a closed loop with so many calls in flight on each connection is asked for.
pub fn closed(clients: usize, in_flight: usize) -> Vec<String> {
    let (clients, in_flight) = (clients.to_string(), in_flight.to_string());
    let loop_ = ["--closed", "--clients", &clients, "--in-flight", &in_flight];
    // One connection each, and scheduled like the rivals: who wakes at once has fewer answers to a wake-up.
    let alike = ["--max-connections", "1", "--normal-scheduling"];
    [&loop_[..], &alike]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// A run of mcp-gen.
pub struct Load {
    /// Its final summary.
    pub summary: Value,
    /// User and system time of the whole process per call, from the first interval of the load to the last.
    pub cpu_us_per_call: f64,
    /// The same of the server, where its pid was given; NaN otherwise.
    pub server_us_per_call: f64,
    /// Calls answered well, per second.
    pub per_s: f64,
}

impl Load {
    /// Runs it on a CPU, without warm-up; all of its calls must have been fine.
    ///
    /// # Errors
    /// Where one was not, or mcp-gen failed.
    pub fn run(
        cpu: usize,
        url: &str,
        span: Duration,
        server: Option<u32>,
        options: &[String],
    ) -> Result<Self> {
        let mut command = Command::new(pipe_tests::tools().join("mcp-gen"));
        command
            .args(["--url", url, "--for", &format!("{}s", span.as_secs())])
            .args(["--warmup", "0s", "--interval", "500ms", "--quiet"])
            .args(["--protocol", "legacy"])
            .args(options);
        if !options.iter().any(|o| o == "--connect-for") {
            command.args(["--connect-for", "300ms"]);
        }
        let mut child = pinned::start(cpu, &mut command)?;
        let mut meter = Meter::new(child.pid(), server);
        let mut summary = Value::Null;
        for line in child.lines()? {
            let line: Value = serde_json::from_str(&line?)?;
            meter.take(&line);
            if line["type"] == "summary" && line["final"] == true {
                summary = line;
            }
        }
        child.end()?;
        let ok = summary["ok"].as_f64().unwrap_or_default();
        let errors = summary["errors"].as_object().is_none_or(|e| e.is_empty());
        ensure!(ok > 0.0 && errors, "not all calls were fine: {summary}");
        let (cpu_us_per_call, server_us_per_call) = meter.per_call()?;
        Ok(Self {
            cpu_us_per_call,
            server_us_per_call,
            per_s: ok / span.as_secs_f64(),
            summary,
        })
    }

    /// A figure of the summary; NaN where it is not there.
    pub fn figure(&self, pointer: &str) -> f64 {
        let value = self.summary.pointer(pointer);
        value.and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// Bytes of a request.
    pub fn request_bytes(&self) -> f64 {
        self.figure("/sent_bytes") / self.figure("/ok")
    }
}
