//! `mcp-chaos relay-stdio` between a client and a command, with a proxy in the middle that only copies.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A relay with its two connections to us, who are the proxy.
struct Relay {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    client: TcpStream,
    server: TcpStream,
}

impl Relay {
    fn start(command: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-chaos"))
            .args(["relay-stdio", "--token", "t-1", "--to"])
            .arg(listener.local_addr().unwrap().to_string())
            .arg("--")
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut ends = [(); 2].map(|()| {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            (first_line(&stream), stream)
        });
        ends.sort_by(|a, b| a.0.cmp(&b.0));
        let [(one, client), (other, server)] = ends;
        let number = one.strip_prefix("mcp-chaos t-1 client ").unwrap();
        assert_eq!(other, format!("mcp-chaos t-1 server {number}"));
        assert!(number.parse::<u64>().is_ok_and(|n| n < 1 << 53), "{number}");
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().unwrap(),
            child,
            client,
            server,
        }
    }

    /// Copies between the two connections, as a proxy without any fault.
    fn spliced(command: &[&str]) -> Self {
        let relay = Self::start(command);
        for (from, to) in [
            (&relay.client, &relay.server),
            (&relay.server, &relay.client),
        ] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
        relay
    }

    fn ended(&mut self) -> std::process::ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the relay does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
    }
}

/// One byte at a time, since what follows is the conversation's.
fn first_line(mut stream: &TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < 200 {
        stream.read_exact(&mut byte).unwrap();
        if byte == *b"\n" {
            break;
        }
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn what_is_said_goes_through_the_proxy_and_the_ends_do_too() {
    let mut relay = Relay::start(&["cat"]);
    relay
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"{\"id\":1}\n")
        .unwrap();
    let mut got = [0; 9];
    relay.client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"{\"id\":1}\n");
    // What the proxy makes of it is what the command hears, and likewise back.
    relay.server.write_all(b"{\"id\":2}\n").unwrap();
    relay.server.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"{\"id\":2}\n");
    relay.client.write_all(b"{\"id\":3}\n").unwrap();
    relay.stdout.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"{\"id\":3}\n");
    // The end of stdin is the client's, and the command's when the proxy says so.
    relay.stdin = None;
    assert_eq!(relay.client.read(&mut got).unwrap(), 0);
    assert_eq!(relay.child.try_wait().unwrap(), None);
    relay.server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(relay.server.read(&mut got).unwrap(), 0);
    relay.client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(relay.stdout.read(&mut got).unwrap(), 0);
    assert!(relay.ended().success());
}

#[test]
fn megabytes_pass_in_both_directions_at_once() {
    let mut relay = Relay::spliced(&["cat"]);
    let line = "x".repeat(99_999) + "\n";
    let all = line.repeat(80);
    let (mut stdin, text) = (relay.stdin.take().unwrap(), all.clone());
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let mut got = String::new();
    relay.stdout.read_to_string(&mut got).unwrap();
    writer.join().unwrap();
    assert!(got == all, "{} of {} bytes", got.len(), all.len());
    assert!(relay.ended().success());
}

#[test]
fn the_exit_status_is_the_commands() {
    let mut relay = Relay::spliced(&["sh", "-c", "echo last words; exit 7"]);
    let mut got = String::new();
    relay.stdout.read_to_string(&mut got).unwrap();
    assert_eq!(
        (got.as_str(), relay.ended().code()),
        ("last words\n", Some(7))
    );
    let mut relay = Relay::spliced(&["sh", "-c", "kill -s SEGV $$"]);
    assert_eq!(relay.ended().signal(), Some(11));
}

#[test]
fn a_command_that_does_not_hear_of_the_end_is_ended() {
    let script = "trap '' TERM; echo $$; while :; do sleep 0.1; done";
    let mut relay = Relay::spliced(&["sh", "-c", script]);
    let mut pid = String::new();
    let mut lines = BufReader::new(&mut relay.stdout);
    lines.read_line(&mut pid).unwrap();
    relay.stdin = None;
    assert_eq!(relay.ended().signal(), Some(9));
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists());
}

#[test]
fn a_signal_goes_to_the_command_whose_end_is_waited_for() {
    let script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let mut relay = Relay::spliced(&["sh", "-c", script]);
    let mut ready = [0; 6];
    relay.stdout.read_exact(&mut ready).unwrap();
    relay.signal("TERM");
    assert_eq!(relay.ended().code(), Some(5));
}

#[test]
fn what_cannot_be_started_or_reached_is_told_in_a_sentence() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    let run = |address: &str, command: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_mcp-chaos"))
            .args([
                "relay-stdio",
                "--to",
                address,
                "--token",
                "t",
                "--",
                command,
            ])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&address, "/no/such/server");
    assert_eq!(code, Some(2));
    assert!(said.contains("/no/such/server can't be started"), "{said}");
    drop(nobody);
    let (code, said) = run(&address, "cat");
    assert_eq!(code, Some(2));
    assert!(said.contains("can't be reached"), "{said}");
}
