//! `serve --stdio`: one session on stdin and stdout, whatever they are, and nothing else on stdout.

// clippy.toml allows it in tests, but takes only functions marked #[test] for such.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const CALLS: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    "\n",
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow","arguments":{"ms":50}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#,
    "\n",
);

fn serve(options: &[&str], stdin: Stdio, stdout: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mcp-deploy"))
        .args(["serve", "--stdio"])
        .args(options)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The ids in the order of the answers; each line is a message.
fn ids(text: &str) -> Vec<u64> {
    let message = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    text.lines()
        .map(|line| message(line)["id"].as_u64().unwrap())
        .collect()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

#[test]
fn a_session_over_pipes_ends_with_its_stdin_after_all_was_answered() {
    let mut server = serve(&[], Stdio::piped(), Stdio::piped());
    server
        .stdin
        .take()
        .unwrap()
        .write_all(CALLS.as_bytes())
        .unwrap();
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ids(&String::from_utf8(output.stdout).unwrap()), [1, 3, 2]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_session_over_files_reads_and_writes_all_of_them() {
    let (asked, answered) = (file("asked"), file("answered"));
    std::fs::write(&asked, CALLS).unwrap();
    let (input, output) = (
        File::open(&asked).unwrap(),
        File::create(&answered).unwrap(),
    );
    let server = serve(&[], input.into(), output.into());
    assert!(server.wait_with_output().unwrap().status.success());
    assert_eq!(ids(&std::fs::read_to_string(&answered).unwrap()), [1, 3, 2]);
    for path in [asked, answered] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_session_over_a_socket_pair_lives_until_the_client_hangs_up() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let input = OwnedFd::from(theirs.try_clone().unwrap());
    let mut server = serve(&[], input.into(), OwnedFd::from(theirs).into());
    let mut client = BufReader::new(ours);
    for id in 1..4 {
        let call = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n");
        client.get_mut().write_all(call.as_bytes()).unwrap();
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        assert_eq!(ids(&line), [id]);
    }
    drop(client);
    assert!(server.wait().unwrap().success());
}

#[test]
fn the_truth_file_holds_a_session_over_stdio_and_a_signal_ends_it() {
    let truth = file("truth");
    let mut server = serve(
        &["--truth", truth.to_str().unwrap()],
        Stdio::piped(),
        Stdio::piped(),
    );
    let mut stdin = server.stdin.take().unwrap();
    stdin.write_all(CALLS.as_bytes()).unwrap();
    let mut answers = BufReader::new(server.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        answers.next().unwrap().unwrap();
    }
    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(!server.wait().unwrap().success(), "by the signal");
    let lines = std::fs::read_to_string(&truth).unwrap();
    assert_eq!(lines.lines().count(), 4, "{lines}");
    std::fs::remove_file(truth).unwrap();
    drop(stdin);
}
