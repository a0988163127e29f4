//! A server that we did not write, on a free port of loopback, ended with the test.

use pipe_tests::{Folder, PATIENCE, until};
use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// A running server.
pub struct Peer {
    child: Child,
    port: u16,
    scheme: &'static str,
    path: &'static str,
    folder: Folder,
}

/// The root of the clone.
pub fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().expect("tests is not the root").to_owned()
}

/// A file of target/peers, or of the folder that `MCPIPE_PEERS` names, as with tests/peers/install.
///
/// # Panics
/// Where it is not there: a test that wants a peer must not pass without it.
pub fn installed(file: &str) -> String {
    let folder =
        std::env::var_os("MCPIPE_PEERS").map_or_else(|| root().join("target/peers"), PathBuf::from);
    let path = folder.join(file);
    assert!(
        path.exists(),
        "{} is not there: run tests/peers/install first",
        path.display()
    );
    path.display().to_string()
}

/// A file of tests/peers.
pub fn script(name: &str) -> String {
    root().join("tests/peers").join(name).display().to_string()
}

/// How to start a peer; `{port}` stands for its port.
pub fn command(of: &str, mode: &str) -> String {
    match of {
        "py1" | "py2" => format!(
            "{} {} --port {{port}} --mode {mode}",
            installed(&format!("{of}/bin/python")),
            script(&format!("{of}_server.py"))
        ),
        "rmcp" => format!(
            "{} --port {{port}} --mode {mode}",
            installed("rmcp/debug/rmcp-server")
        ),
        "everything" => {
            installed("node/.stamp");
            format!("node {} --port {{port}}", script("everything.mjs"))
        }
        other => panic!("no peer is called {other}"),
    }
}

impl Peer {
    /// Starts one and waits until it listens.
    pub fn start(of: &str, mode: &str) -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let mut command = command(of, mode).replace("{port}", &port.to_string());
        if of != "everything" {
            command = format!("{command} --calls {}/calls", folder.path().display());
        }
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut child = Command::new("bash")
            .args(["--norc", "-c", &format!("exec {command}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("bash starts");
        until(&format!("{of} listens"), PATIENCE, || {
            if let Some(status) = child.try_wait().expect("our own child") {
                let log = String::from_utf8_lossy(&folder.read("log")).into_owned();
                panic!("{of} ended ({status}): {log}");
            }
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            child,
            port,
            scheme: match mode {
                "ws" => "ws",
                "h2-tls" => "https",
                _ => "http",
            },
            path: if mode == "sse" { "sse" } else { "mcp" },
            folder,
        }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/{}", self.scheme, self.port, self.path)
    }

    /// How often each tool was called, as the server itself has counted.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        for name in String::from_utf8_lossy(&self.folder.read("calls")).lines() {
            *calls.entry(name.to_owned()).or_default() += 1;
        }
        calls
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SAFETY: kill(2) takes no memory; the child is ours and has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while std::time::Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port outside the ephemeral range, from which a connection of somebody else could take it meanwhile.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 200) as u16 * 50;
    (0..10_000)
        .map(|_| 20_000 + (first + NEXT.fetch_add(1, Relaxed)) % 10_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of 10,000 ports is free")
}
