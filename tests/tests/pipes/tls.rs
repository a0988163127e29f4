//! Encrypted servers: https:// and wss:// through the whole pipeline, and the sentences where trust is missing.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use crate::tls_relay::TlsRelay;
use pipe_tests::{
    Folder, Pipeline, Server, assert_conserved, assert_intervals_add_up, scheduled, until,
};

const LOAD: &str = "--clients 4 --rate 50/s --for 1s --warmup 200ms --connect-for 800ms";

fn authority(server: &Server) -> String {
    let url = server.http();
    url["http://".len()..].trim_end_matches("/mcp").to_owned()
}

#[test]
fn calls_over_tls_are_counted_as_the_server_behind_counts_them() {
    for scheme in ["https", "wss"] {
        for trust in ["--insecure", "--ca-file"] {
            let folder = Folder::new();
            let truth = folder.path().join("truth.jsonl");
            let server = Server::start(&["--truth", truth.to_str().unwrap()]);
            let relay = TlsRelay::to(&authority(&server));
            let trust = match trust {
                "--ca-file" => format!("--ca-file {}", relay.ca_file().display()),
                other => other.to_owned(),
            };
            let url = relay.url(scheme);
            let done = Pipeline::new(format!(
                "mcp-deploy attach {url} {trust} | mcp-gen {LOAD} {trust} | tee run.jsonl | mcp-report --json report.json"
            ))
            .run();
            // INVALID would be the busy machine's doing, and is not what is tested here.
            assert!(
                matches!(done.stages[..], [0, 0, 0, 0 | 3]),
                "{:?} {}",
                done.stages,
                done.stderr
            );
            let stream = done.recorded("run.jsonl");
            assert_intervals_add_up(&stream);
            assert_conserved(&stream);
            let calls = scheduled(&stream, "warm-up") + scheduled(&stream, "steady");
            assert!(calls.abs_diff(240) <= 8, "{calls}");
            assert_eq!(stream.totals()["ok"], calls, "{}", stream.totals());
            let dialect = &stream.totals()["dialects"][0];
            assert_eq!(dialect["origin"], url.trim_end_matches("/mcp"));
            // The first line of the truth says how the server was started; the lists that mcp-gen asks for once at
            // each server are calls like any others there.
            let counted = || {
                let text = String::from_utf8(folder.read("truth.jsonl")).unwrap();
                text.lines().skip(1).count() as u64
            };
            until("the truth is written", pipe_tests::PATIENCE, || {
                counted() >= calls
            });
            let lists = counted() - calls;
            assert!(lists <= 12, "{lists} calls that mcp-gen does not report");
        }
    }
}

/// The sentence with which mcp-gen and, behind it, mcp-report give up.
fn fatal(url: &str, flags: &str) -> String {
    let done = Pipeline::new(format!(
        "mcp-gen --url {url} --for 1s {flags} | tee run.jsonl | mcp-report"
    ))
    .run();
    done.assert_stages(&[2, 0, 2]);
    let stream = done.recorded("run.jsonl");
    let text = stream.warnings("fatal")[0]["text"].as_str().unwrap();
    assert!(
        done.stderr
            .contains(&format!("mcp-report: mcp-gen: {text}")),
        "{}",
        done.stderr
    );
    text.to_owned()
}

#[track_caller]
fn assert_says(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

#[test]
fn a_certificate_that_nobody_has_signed_is_told_with_both_ways_out() {
    let server = Server::start(&[]);
    let relay = TlsRelay::to(&authority(&server));
    for scheme in ["https", "wss"] {
        assert_says(
            &fatal(&relay.url(scheme), ""),
            &["trusted", "--ca-file", "--insecure"],
        );
        let attach = Pipeline::new(format!("mcp-deploy attach {}", relay.url(scheme))).run();
        attach.assert_stages(&[2]);
        assert_says(&attach.stderr, &["trusted", "--ca-file", "--insecure"]);
    }
    // Another one's certificate does not help.
    let other = TlsRelay::to(&authority(&server));
    let flags = format!("--ca-file {}", other.ca_file().display());
    assert_says(&fatal(&relay.url("https"), &flags), &["not trusted"]);
    assert_says(
        &fatal(&relay.url("https"), "--ca-file /no/such.pem"),
        &["/no/such.pem", "cannot be read"],
    );
}

#[test]
fn plain_and_encrypted_taken_for_each_other_are_told_apart() {
    let server = Server::start(&[]);
    let relay = TlsRelay::to(&authority(&server));
    for (plain, encrypted) in [("http", "https"), ("ws", "wss")] {
        assert_says(
            &fatal(&relay.url(plain), ""),
            &["wants TLS", "write https:// or wss://"],
        );
        let url = server.http().replacen("http", encrypted, 1);
        assert_says(
            &fatal(&url, "--insecure"),
            &["does not speak TLS", "write http:// or ws://"],
        );
    }
}
