//! The life of the pipe is the life of the run: whoever leaves or is killed, no server stays.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use common::{BINARY, Deploy, Folder, runs, signal, until};
use rustix::process::Signal;

#[test]
fn when_the_reader_leaves_the_servers_go_and_the_exit_is_0() {
    let mut deploy = Deploy::start(&["local", "--replicas", "2"]);
    let servers = deploy.ready();
    deploy.leave();
    assert_eq!(deploy.wait().code(), Some(0));
    assert!(!servers.iter().any(|&server| runs(server)));
    assert_eq!(deploy.folder.journals(), 0);
}

#[test]
fn killed_outright_it_leaves_no_server_and_no_keeper() {
    let mut deploy = Deploy::start(&["local", "--replicas", "2"]);
    let servers = deploy.ready();
    let keeper = deploy.keeper();
    signal(deploy.pid(), Signal::KILL);
    until("all servers are gone", || {
        !servers.iter().any(|&server| runs(server))
    });
    until("the keeper is gone", || !runs(keeper));
}

#[test]
fn ctrl_c_keeps_the_servers_until_the_reader_has_left_and_is_raised_again() {
    let mut deploy = Deploy::start(&["local", "--replicas", "1"]);
    let servers = deploy.ready();
    signal(deploy.pid(), Signal::INT);
    deploy.hear("until the reader has left");
    assert!(runs(servers[0]), "mcp-gen still drains");
    deploy.leave();
    assert_eq!(deploy.wait().signal(), Some(Signal::INT.as_raw()));
    assert!(!runs(servers[0]));
}

#[test]
fn a_signal_that_ends_the_reader_too_is_raised_again_whichever_is_noticed_first() {
    for subcommand in ["local", "attach"] {
        let script = format!(
            "'{BINARY}' {subcommand} | {{ until read -r line && [[ $line == *'\"ready\"'* ]]; do :; done; kill -INT 0; exec sleep 60; }}"
        )
        .replace("attach", "attach http://127.0.0.1:1/ --no-check")
        .replace("local", "local --replicas 1");
        let folder = Folder::new();
        let mut shell = Command::new("bash");
        shell.args([
            "-c",
            &format!("trap : INT; {script}; echo ${{PIPESTATUS[0]}}"),
        ]);
        shell.env("MCPIPE_STATE", &folder.0).process_group(0);
        let output = shell.output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "130\n",
            "{output:?}"
        );
        until("all is undone", || folder.journals() == 0);
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_still_undoes() {
    // The server ignores SIGTERM, so that only the second signal spares us the grace time of an hour.
    let command = format!(
        "trap '' TERM; '{BINARY}' serve --listen 127.0.0.1:{{port}} & while :; do wait; done"
    );
    let mut deploy = Deploy::start(&[
        "local",
        "--replicas",
        "1",
        "--grace",
        "1h",
        "--command",
        &command,
    ]);
    let servers = deploy.ready();
    signal(deploy.pid(), Signal::TERM);
    deploy.hear("until the reader has left");
    signal(deploy.pid(), Signal::TERM);
    let records = deploy.until("end");
    let end = records.last().unwrap();
    assert_eq!(
        (end["why"].as_str(), end["exit"].as_u64()),
        (Some("interrupted"), Some(143))
    );
    assert_eq!(deploy.wait().signal(), Some(Signal::TERM.as_raw()));
    assert!(!runs(servers[0]));
}

#[test]
fn into_a_file_it_stays_for_its_time_and_its_last_word_is_end() {
    let folder = Folder::new();
    let path = folder.0.join("run.jsonl");
    let status = folder
        .command(&["local", "--replicas", "1", "--for", "200ms"])
        .stdout(std::fs::File::create(&path).unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let text = std::fs::read_to_string(path).unwrap();
    let end: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (end["type"].as_str(), end["why"].as_str()),
        (Some("end"), Some("done"))
    );
    assert_eq!(end["written"], 4, "start, target, ready, end");
}

#[test]
fn neither_servers_nor_keeper_hold_the_pipe_of_a_command_substitution() {
    let folder = Folder::new();
    // With stderr in the same pipe: whoever had inherited it would keep $(…) waiting.
    let script = format!("x=$('{BINARY}' local 2>&1 | head -1); echo \"$x\"");
    let output = Command::new("timeout")
        .args(["60", "bash", "-c", &script])
        .env("MCPIPE_STATE", &folder.0)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "124 is timeout's");
    assert!(!output.stdout.is_empty());
    until("all is undone", || folder.journals() == 0);
}

#[test]
fn what_died_with_its_keeper_is_shown_by_status_and_ended_by_down() {
    let mut deploy = Deploy::start(&["local", "--replicas", "1"]);
    let servers = deploy.ready();
    let keeper = deploy.keeper();
    signal(deploy.pid(), Signal::STOP);
    signal(keeper, Signal::KILL);
    signal(deploy.pid(), Signal::KILL);
    until("both are dead", || !runs(deploy.pid()) && !runs(keeper));
    assert!(runs(servers[0]));

    let status = deploy.folder.command(&["status"]).output().unwrap();
    let line: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(line["alive"], false);
    assert_eq!(line["open"][0]["pid"], servers[0]);

    let down = deploy.folder.command(&["down"]).output().unwrap();
    assert_eq!(down.status.code(), Some(0));
    assert!(
        String::from_utf8_lossy(&down.stderr).contains(&format!("ended process {}", servers[0]))
    );
    assert!(!runs(servers[0]));
}
