//! A reference server for a test: `mcp-deploy serve` on a free port, ended with the test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A running reference server.
pub struct Server {
    child: Child,
    authority: String,
    /// Of lines over TCP, where it was told to speak them.
    tcp: Option<String>,
}

impl Server {
    /// Starts one with these options of `mcp-deploy serve`.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let mut child = Command::new(crate::tools().join("mcp-deploy"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mcp-deploy serve starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let mut line = String::new();
        let _ = stderr.read_line(&mut line);
        let authority = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(authority, _)| authority.to_owned());
        let tcp = line
            .split_once("tcp://")
            .map(|(_, authority)| authority.trim().to_owned());
        // Who nobody reads must not stop for it.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self {
            authority: authority.unwrap_or_else(|| panic!("serve said no address but {line:?}")),
            tcp,
            child,
        }
    }

    /// Its address over HTTP+SSE of 2024-11-05.
    #[must_use]
    pub fn sse(&self) -> String {
        format!("http://{}/sse", self.authority)
    }

    /// Its address over TCP.
    ///
    /// # Panics
    /// Where it was not started with `--listen-tcp`.
    #[must_use]
    pub fn tcp(&self) -> String {
        let authority = self.tcp.as_ref();
        format!("tcp://{}", authority.expect("started with --listen-tcp"))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its address over Streamable HTTP.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://{}/mcp", self.authority)
    }

    /// Its address over WebSocket.
    #[must_use]
    pub fn ws(&self) -> String {
        format!("ws://{}/mcp", self.authority)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
