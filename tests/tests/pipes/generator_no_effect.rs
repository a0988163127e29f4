//! Options that change nothing are told, and those that do something are not.

use pipe_tests::{Pipeline, Server, Stream};

const LOAD: &str = "--for 100ms --warmup 0s --connect-for 200ms --clients 2 -q";

/// The options that are said to have no effect.
fn idle(stream: &Stream) -> Vec<String> {
    let told = stream.warnings("no_effect").into_iter();
    told.map(|w| {
        let text = w["text"].as_str().unwrap();
        assert!(!w["remedy"].is_null(), "{w}");
        text.split_once(": without effect, since ")
            .unwrap()
            .0
            .to_owned()
    })
    .collect()
}

fn run(url: &str, options: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen --url {url} {LOAD} {options}")).run();
    run.assert_stages(&[0]);
    run.stream()
}

#[test]
fn an_option_that_changes_nothing_is_told() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let (http, ws, tcp) = (server.http(), server.ws(), server.tcp());
    for (url, options, wanted) in [
        (
            &ws,
            "--max-connections 3 --insecure --http2 always --call-deleted",
            &[
                "--insecure",
                "--http2 always",
                "--max-connections",
                "--call-deleted",
            ][..],
        ),
        (
            &http,
            "--in-flight 3 --ws-append-newline --no-ws-subprotocol --cancel-after 1s --failover",
            &[
                "--ws-append-newline",
                "--no-ws-subprotocol",
                "--in-flight",
                "--cancel-after",
                "--failover",
            ],
        ),
        (
            &tcp,
            "--header A:b --host-header x",
            &["--header and --header-env", "--host-header"],
        ),
        (
            &http,
            "--profile low-load --tool echo --progress 5%",
            &["--tool, --skip-tool, --all-tools and --args", "--progress"],
        ),
        (&http, "--method ping --pages 3", &["--pages"]),
        (
            &http,
            "--call-deleted --leave abandon --protocol legacy",
            &["--call-deleted"],
        ),
    ] {
        assert_eq!(idle(&run(url, options)), wanted, "{options}");
    }
}

#[test]
fn an_option_that_changes_something_is_not() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let (http, ws, tcp) = (server.http(), server.ws(), server.tcp());
    for (url, options) in [
        (&http, "--max-connections 3 --http2 always --header A:b"),
        (
            &http,
            "--protocol legacy --call-deleted --leave mixed --host-header localhost",
        ),
        (
            &http,
            "--closed --in-flight 3 --tool echo --progress 5% --pages 2",
        ),
        (
            &ws,
            "--in-flight 3 --no-ws-subprotocol --cancel 5% --cancel-after 1s",
        ),
        (&tcp, "--in-flight 3 --source-address 127.0.0.2"),
    ] {
        assert!(idle(&run(url, options)).is_empty(), "{options}");
    }
}

#[test]
fn what_belongs_to_another_kind_of_load_is_refused() {
    // clap does not ask for what is required where something stands that excludes it.
    for options in [
        "--think 100ms --rate 5/s",
        "--think 100ms --total-rate 5/s",
        "--think 100ms --find-knee 'p99 < 1s'",
        "--knee-from 5/s --for 1s",
        "--knee-step 5s --stages 'rate 1/s for 1s'",
    ] {
        let run = Pipeline::new(format!("mcp-gen --url http://127.0.0.1:9/mcp {options}")).run();
        run.assert_stages(&[2]);
        assert!(
            run.stderr.contains("cannot be used with"),
            "{options}: {}",
            run.stderr
        );
    }
}
