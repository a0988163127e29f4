//! Servers over stdin and stdout: children of the generator, one a client, that never outlive it.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{
    Finished, Pipeline, Stream, assert_conserved, assert_intervals_add_up, line_server,
};
use std::time::Duration;

const LOAD: &str = "--clients 3 --rate 20/s --connect-for 2s --warmup 0s --for 1s --interval 200ms --timeout 5s \
                    --method tools/call --tool echo";

const LONG: &str = "--clients 3 --rate 20/s --connect-for 1s --warmup 0s --for 60s -q";

/// Answers the handshake of the legacy era, and hangs up on a ping.
const HANGS_UP: &str = r#"while read -r line; do
    id=$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
    case "$line" in
        *'"ping"'*) exit 0 ;;
        *'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"sh","version":"1"}}}' ;;
        *discover*) echo '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32601,"message":"no"}}' ;;
    esac
done"#;

fn run(command: &str, more: &str) -> Finished {
    Pipeline::new(format!("mcp-gen --stdio '{command}' {LOAD} {more}"))
        .patience(Duration::from_secs(60))
        .run()
}

#[track_caller]
fn counted(run: &Finished) -> Stream {
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["scheduled"], 60);
    stream
}

#[test]
fn each_client_has_a_server_of_its_own_in_both_eras() {
    for (era, revision) in [("modern", "2026-07-28"), ("legacy", "2025-11-25")] {
        let started = "echo $$ >> started; exec mcp-deploy serve --stdio";
        let run = run(started, &format!("-q --protocol {era}"));
        let stream = counted(&run);
        assert_eq!(stream.totals()["ok"], 60, "{}", stream.totals()["errors"]);
        let dialect = &stream.totals()["dialects"][0];
        assert_eq!(
            (&dialect["transport"], &dialect["revision"]),
            (&"stdio".into(), &revision.into())
        );
        let pids = String::from_utf8(run.folder.read("started")).unwrap();
        // One that is asked what there is to call, and one for each client.
        assert_eq!(pids.lines().count(), 4, "{pids}");
        assert_eq!(stream.from("mcp-gen", "event").len(), 0);
        let target = stream.only("mcp-gen", "target");
        assert_eq!(target["url"], format!("stdio:{started}"));
    }
}

#[test]
fn a_command_that_ends_at_once_is_told_with_its_last_words() {
    for (command, words) in [
        (
            "sh -c \"echo no such licence >&2; exit 3\"",
            ["ended with code 3", "no such licence"],
        ),
        (
            "no-such-program-anywhere --x",
            ["no-such-program-anywhere", "command not found"],
        ),
    ] {
        let run = run(command, "");
        run.assert_stages(&[2]);
        for words in words {
            assert!(
                run.stderr.contains(words),
                "{words:?} is not in: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn a_banner_on_stdout_is_told_and_does_no_harm_before_the_load() {
    let run = run(
        "echo Welcome to the server; exec mcp-deploy serve --stdio",
        "",
    );
    let stream = counted(&run);
    assert!(
        run.stderr.contains("Welcome to the server"),
        "{}",
        run.stderr
    );
    // Under load the banner comes before any call, and so fails none.
    assert_eq!(stream.totals()["ok"], 60, "{}", stream.totals()["errors"]);
}

#[test]
fn servers_that_die_in_the_middle_are_started_again() {
    let run = run("timeout -s KILL 2.5 mcp-deploy serve --stdio", "-q");
    let stream = counted(&run);
    let ok = stream.totals()["ok"].as_u64().unwrap();
    assert!(ok >= 20, "{}", stream.totals());
    let ends = stream.from("mcp-gen", "event");
    assert!(ends.len() >= 3, "{ends:?}");
    for end in ends {
        assert_eq!(
            (&end["event"], &end["target"]),
            (&"exited".into(), &"stdio-1".into())
        );
    }
}

#[test]
fn a_server_that_closes_its_stdout_fails_what_was_in_flight() {
    let pipeline = Pipeline::new(
        "mcp-gen --stdio 'sh server.sh' --clients 2 --rate 5/s --connect-for 1s --warmup 0s --for 1s --timeout 2s \
         --profile message-bomber -q",
    )
    .before(&format!("cat > server.sh <<'END'\n{HANGS_UP}\nEND"))
    .patience(Duration::from_secs(60));
    let run = pipeline.run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_conserved(&stream);
    let errors = stream.totals()["errors"].as_object().unwrap();
    assert!(
        errors["connection_closed"].as_u64().unwrap() >= 2,
        "{errors:?}"
    );
    assert_eq!(stream.totals()["ok"], 0);
}

#[test]
fn a_generator_killed_with_its_children_up_leaves_none() {
    let running = Pipeline::new(format!(
        "mcp-gen --stdio 'mcp-deploy serve --stdio' {LONG} > run.jsonl"
    ))
    .start();
    running.until_load("run.jsonl");
    let all = running.processes();
    let is_server = |p: &&pipe_tests::Process| p.command == "mcp-deploy serve --stdio";
    assert_eq!(all.iter().filter(is_server).count(), 3, "{all:#?}");
    running.signal_one(running.stage("mcp-gen"), libc::SIGKILL);
    running.until_nothing_is_left(Duration::from_secs(10));
}

#[test]
fn a_signal_ends_the_children_too() {
    let running = Pipeline::new(format!(
        "mcp-gen --stdio 'mcp-deploy serve --stdio' {LONG} > run.jsonl"
    ))
    .start();
    running.until_load("run.jsonl");
    running.signal(libc::SIGINT);
    let run = running.finish();
    run.assert_signalled(libc::SIGINT);
    assert_eq!(
        run.recorded("run.jsonl").only("mcp-gen", "end")["why"],
        "interrupted"
    );
}

#[test]
fn a_command_in_a_record_runs_only_where_that_is_allowed() {
    let record = r#"{"type":"target","name":"it","url":"stdio:mcp-deploy serve --stdio"}"#;
    let run = Pipeline::new(format!("mcp-gen {LOAD}"))
        .stdin(format!("{record}\n"))
        .run();
    run.assert_stages(&[2]);
    assert!(run.stderr.contains("--allow-exec"), "{}", run.stderr);
    let run = Pipeline::new(format!("mcp-gen {LOAD} --allow-exec -q"))
        .stdin(format!("{record}\n"))
        .run();
    let stream = counted(&run);
    assert_eq!(stream.totals()["ok"], 60, "{}", stream.totals()["errors"]);
}

#[test]
fn children_and_servers_elsewhere_may_be_called_side_by_side() {
    let there = line_server(true, |_, _, _| None);
    let run = Pipeline::new(format!(
        "mcp-gen --stdio 'mcp-deploy serve --stdio' --url tcp://127.0.0.1:{} --clients 4 --rate 10/s --connect-for 2s \
         --warmup 0s --for 1s --method tools/list --profile low-load -q",
        there.port()
    ))
    .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_conserved(&stream);
    assert_eq!(stream.totals()["ok"], 40, "{}", stream.totals()["errors"]);
}
