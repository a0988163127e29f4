//! The gate: nothing runs before it is written down, and a start that fails says why.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use common::{Folder, Owner, example, runs, until};
use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

#[test]
fn a_launcher_whose_parent_is_gone_never_executes() {
    let folder = Folder::new();
    let file = folder.0.join("executed");
    let mut launcher = Command::new(example())
        .args(["launch", "touch"])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(launcher.stdin.take());
    let status = launcher.wait().unwrap();
    assert_eq!(status.code(), Some(2));
    assert!(!file.exists());
}

#[test]
fn an_opened_gate_lets_the_command_run() {
    let folder = Folder::new();
    let file = folder.0.join("executed");
    let owner = Owner::start(
        &folder,
        "run-a",
        "owner#1",
        &[
            "sh",
            "-c",
            &format!("touch {}; exec sleep 600", file.display()),
        ],
    );
    until("it has run", || file.exists());
    assert!(runs(owner.child));
}

#[test]
fn a_command_that_does_not_exist_is_a_clear_error_and_leaves_nothing() {
    let folder = Folder::new();
    let said = Command::new(example())
        .args([
            "run-b",
            "owner#1",
            "no-such-program-anywhere",
            "--port",
            "1",
        ])
        .env("MCPIPE_STATE", &folder.0)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(
        said.contains("command not found: 'no-such-program-anywhere'"),
        "{said}"
    );
    until("the journal is gone", || folder.journals() == 0);
}

#[test]
fn a_file_that_is_not_executable_is_a_clear_error() {
    let folder = Folder::new();
    let file = folder.0.join("plain");
    std::fs::write(&file, "x").unwrap();
    let said = Command::new(example())
        .args(["run-c", "owner#1"])
        .arg(&file)
        .env("MCPIPE_STATE", &folder.0)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("chmod +x"), "{said}");
}

#[test]
fn a_child_gets_dev_null_its_log_and_nothing_else_that_was_open() {
    let folder = Folder::new();
    // A shell that leaves descriptor 9 open, as process substitution does; the child lists what it has.
    let line = format!(
        "exec {} run-d 'owner#1' sh -c 'ls -l /proc/$$/fd; exec sleep 600' 9>{}",
        example().display(),
        folder.0.join("nine").display()
    );
    let mut owner = Command::new("sh")
        .args(["-c", &line])
        .env("MCPIPE_STATE", &folder.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut listed = String::new();
    until("the child has listed its descriptors", || {
        let log = folder
            .0
            .join("log/run-d.owner_1.")
            .to_string_lossy()
            .into_owned();
        let path = format!("{log}{}.child.log", owner.id());
        listed.clear();
        let _ = File::open(path).and_then(|mut file| file.read_to_string(&mut listed));
        listed.contains("0 -> /dev/null") && listed.contains("2 -> ")
    });
    assert!(
        !listed.contains("nine") && !listed.contains("pipe:"),
        "{listed}"
    );
    drop(owner.stdin.take());
    assert!(owner.wait().unwrap().success());
}

#[test]
fn neither_keeper_nor_child_hold_a_descriptor_of_the_tools_pipe() {
    let folder = Folder::new();
    let owner = Owner::start(&folder, "run-e", "owner#1", &["sleep", "600"]);
    let open = |pid: i32| -> Vec<String> {
        let links = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .flatten();
        let targets = links.filter_map(|link| std::fs::read_link(link.path()).ok());
        targets.map(|target| target.display().to_string()).collect()
    };
    let pipe = open(owner.pid())
        .into_iter()
        .find(|target| target.starts_with("pipe:"))
        .unwrap();
    for pid in [owner.keeper, owner.child] {
        let held = open(pid);
        assert!(held.contains(&"/dev/null".to_owned()), "{held:?}");
        assert!(
            !held.contains(&pipe) && !held.iter().any(|target| target.starts_with("pipe:")),
            "{held:?}"
        );
    }
}
