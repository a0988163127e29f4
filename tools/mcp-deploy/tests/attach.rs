//! `attach`: names what runs already, after asking whether it answers MCP.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod common;

use common::{Deploy, Folder};

#[test]
fn a_server_that_answers_becomes_a_target_and_outlives_the_run() {
    let mut local = Deploy::start(&["local", "--replicas", "1"]);
    let records = local.until("ready");
    let url = records[1]["url"].as_str().unwrap();
    let ws = url.replacen("http:", "ws:", 1);
    let mut attach = Deploy::start(&["attach", url, &ws, "--name", "first", "--name", "second"]);
    let attached = attach.until("ready");
    let kinds: Vec<_> = attached
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["start", "target", "target", "ready"]);
    assert_eq!(
        (attached[1]["name"].as_str(), attached[1]["url"].as_str()),
        (Some("first"), Some(url))
    );
    assert_eq!(
        (
            attached[2]["name"].as_str(),
            attached[2]["transport"].as_str()
        ),
        (Some("second"), Some("ws"))
    );
    assert!(attached[1].get("pid").is_none(), "nobody told us");
    attach.leave();
    assert_eq!(attach.wait().code(), Some(0));
    assert!(
        common::runs(common::pid(&records[1])),
        "it was not ours to end"
    );
}

#[test]
fn a_server_that_is_not_there_is_a_clear_error_and_exit_2() {
    let folder = Folder::new();
    // Bound, and so nobody else's, but not listened on.
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(
        &socket,
        &"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap(),
    )
    .unwrap();
    let address =
        std::net::SocketAddr::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
    let url = format!("http://{address}/mcp");

    let output = folder.command(&["attach", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("refused") && said.contains("--no-check"),
        "{said}"
    );

    let mut unasked = Deploy::start(&["attach", &url, "--no-check"]);
    assert_eq!(unasked.until("ready")[1]["url"], url);
}

#[test]
fn names_that_are_missing_or_twice_are_usage_errors() {
    let folder = Folder::new();
    for arguments in [
        &[
            "attach",
            "http://127.0.0.1:1/",
            "--name",
            "a",
            "--name",
            "b",
        ][..],
        &[
            "attach",
            "http://127.0.0.1:1/",
            "http://127.0.0.1:2/",
            "--name",
            "a",
            "--name",
            "a",
        ],
        &["attach", "127.0.0.1:1"],
        &["attach"],
    ] {
        let output = folder.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
