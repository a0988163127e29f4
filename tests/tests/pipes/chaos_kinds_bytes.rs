//! Faults that let bytes come later, and lose none: how many a second, how many of the calls, and by how much.

use pipe_tests::faults::{assert_share, calls, count, number, service_us, target, window};
use pipe_tests::{
    Hostile, Pipeline, Server, Stream, answer, assert_conserved, assert_intervals_add_up,
};
use serde_json::{Value, json};
use std::io::Write as _;

/// Bytes per second on a target, from 1.5 s after the fault's begin to half a second before its end.
fn bytes_per_s(stream: &Stream, target: &str, field: &str) -> f64 {
    let (began, ended) = window(stream, target);
    let mut rows = stream.of("interval");
    rows.retain(|r| {
        r["target"] == target
            && number(r, "start_us") >= began + 1_500_000
            && number(r, "start_us") + number(r, "span_us") <= ended - 500_000
    });
    let ends = rows
        .iter()
        .map(|r| number(r, "start_us") + number(r, "span_us"));
    let from_us = rows.iter().map(|r| number(r, "start_us")).min().unwrap();
    let bytes: u64 = rows.iter().map(|r| number(r, field)).sum();
    bytes as f64 / (ends.max().unwrap() - from_us) as f64 * 1e6
}

#[test]
fn a_megabyte_a_second_is_what_comes_through() {
    let server = Server::start(&[]);
    let names = ["each", "shared", "up"];
    // Four calls at a time on a connection, so that it never waits for the next question.
    let run = Pipeline::new(
        "mcp-chaos -q bandwidth:rate=1MB/s,name=each@0s+8s bandwidth:rate=1MB/s,per=target,name=shared@0s+8s \
           bandwidth:rate=1MB/s,side=up,name=up@0s+8s --seed 7 \
         | mcp-gen --clients 6 --closed --in-flight 4 --method tools/call --tool echo --payload 64KiB --connect-for 300ms \
           --warmup 0s --interval 100ms --timeout 20s -q --for 8500ms > run.jsonl",
    )
    .stdin(names.map(|name| target(name, &server.ws())).concat())
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    // Two clients each.
    for (name, field, megabytes) in [
        ("each", "received_bytes", 2.0),
        ("shared", "received_bytes", 1.0),
        ("up", "sent_bytes", 2.0),
    ] {
        let came = bytes_per_s(&stream, name, field) / 1e6;
        assert!(
            (came / megabytes - 1.0).abs() < 0.05,
            "{name}: {came} MB/s of {megabytes}"
        );
        let slowed = count(&stream, name, "bytes_slowed");
        assert!(slowed as f64 > megabytes * 7e6, "{name}: {slowed}");
    }
    assert_eq!(stream.totals()["errors"], json!({}));
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
}

/// Calls that were sent while there were faults, and so early that a retransmission came before they ended.
fn sent_within<'a>(stream: &'a Stream, target: &str) -> Vec<&'a Value> {
    let (began, ended) = window(stream, "local-2");
    let mut calls = calls(stream, target);
    calls.retain(|c| {
        let sent_us = number(c, "sent_us");
        sent_us > began && sent_us < ended - 2_000_000
    });
    assert!(calls.len() > 300, "{target}: {} calls", calls.len());
    calls
}

#[test]
fn lost_segments_delay_the_share_of_the_answers_that_was_asked_for() {
    // A user's next call waits for the last one: each answer is a segment of its own, and nothing waits behind it.
    let run = Pipeline::new(
        "mcp-deploy -q local -n 3 \
         | mcp-chaos -q loss:rate=5%,rto=500ms,replica=1@500ms+6s loss:rate=5%,rto=500ms,burst=2,replica=2@500ms+6s --seed 7 \
         | mcp-gen --clients 36 --closed --think 20ms --method tools/call --tool echo --connect-for 300ms --warmup 0s \
           --interval 100ms --timeout 30s --calls all -q --for 6500ms > run.jsonl",
    )
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    // What a busy machine delays by itself is seen where no fault is.
    let slower = |name: &str, than: u64| {
        let sent = sent_within(&stream, name);
        let slow = sent.iter().filter(|c| service_us(c) >= than).count();
        (slow, sent.len())
    };
    let by_itself = slower("local-3", 500_000).0;
    // The chance that an answer is lost, and that its retransmission is lost, too. A call finds the line in its good state,
    // since the last call was answered: with bursts of 2, bad begins with 0.05 / 0.95 / 2, and goes on with 1/2.
    for (name, lost, again) in [("local-1", 0.05, 0.05), ("local-2", 0.05 / 0.95 / 2.0, 0.5)] {
        let (slow, sent) = slower(name, 500_000);
        assert_share(slow, sent, lost, by_itself);
        assert_share(slower(name, 1_500_000).0, slow, again, by_itself);
        let told = count(&stream, name, "segments_lost");
        assert!(
            told as usize + by_itself >= slow,
            "{name}: {told} of {slow}"
        );
    }
    assert_eq!(stream.totals()["errors"], json!({}));
    assert_conserved(&stream);
}

#[test]
fn pieces_of_ten_bytes_come_one_pause_after_the_other() {
    let run = Pipeline::new(
        "mcp-deploy -q local -n 2 | mcp-chaos -q slice:size=10B,delay=2ms,replica=1@500ms+2s --seed 7 \
         | mcp-gen --clients 4 --rate 10/s --connect-for 300ms --warmup 0s --interval 100ms --timeout 5s --calls all -q \
           --for 4s > run.jsonl",
    )
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let (began, ended) = window(&stream, "local-1");
    // The record is written once the fault has been taken back, and then the rest goes in one piece.
    let ended = ended - 50_000;
    let all = calls(&stream, "local-1");
    let sliced: Vec<_> = all
        .iter()
        .filter(|c| number(c, "sent_us") > began && number(c, "done_us") < ended)
        .collect();
    assert!(sliced.len() >= 10, "{}", sliced.len());
    for call in &sliced {
        let pauses = number(call, "received_bytes").div_ceil(10) - 1;
        assert!(service_us(call) >= pauses * 2_000, "{pauses}: {call}");
    }
    // Those that overlap the window at all have been cut at most; an answer may be read in two parts.
    let bytes: u64 = sliced.iter().map(|c| number(c, "received_bytes")).sum();
    let touched = all
        .iter()
        .filter(|c| number(c, "done_us") > began && number(c, "sent_us") < ended + 50_000);
    let most: u64 = touched.map(|c| number(c, "received_bytes") / 10 + 2).sum();
    let slices = count(&stream, "local-1", "slices");
    assert!(
        (bytes / 10..=most).contains(&slices),
        "{slices} pieces of {bytes} bytes, {most} at most"
    );
    assert_eq!(stream.totals()["errors"], json!({}));
    assert_conserved(&stream);
}

/// A server that ends its answers by the end of the connection, as HTTP/1.0 did.
fn closing_server() -> Hostile {
    Hostile::listen(|mut client, _| {
        let Some((_, body)) = Hostile::request(&mut client) else {
            return;
        };
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
        let _ = client.write_all(format!("{head}{}", answer(&request, true)).as_bytes());
    })
}

#[test]
fn a_slow_close_delays_the_end_of_a_connection_and_so_an_answer_that_ends_with_it() {
    let server = closing_server();
    let run = Pipeline::new(
        "mcp-chaos -q slow_close:delay=400ms@1s+2s | mcp-gen --clients 2 --rate 10/s --method tools/call --connect-for 300ms \
           --warmup 0s --interval 100ms --timeout 5s --calls all -q --for 4s > run.jsonl",
    )
    .stdin(target("mine", &format!("http://127.0.0.1:{}/mcp", server.port())))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    let (began, ended) = window(&stream, "mine");
    let all = calls(&stream, "mine");
    let (within, without): (Vec<&Value>, Vec<&Value>) = all
        .iter()
        .filter(|c| number(c, "sent_us") < ended - 400_000 || number(c, "sent_us") > ended)
        .partition(|c| number(c, "sent_us") > began && number(c, "sent_us") < ended);
    assert!(within.len() >= 20, "{}", within.len());
    for call in &within {
        assert!(service_us(call) >= 400_000, "{call}");
    }
    let quick = without.iter().filter(|c| service_us(c) < 400_000).count();
    assert!(quick * 2 > without.len(), "{quick} of {}", without.len());
    let delayed = count(&stream, "mine", "connections");
    assert!(delayed >= within.len() as u64, "{delayed}");
    assert_eq!(stream.totals()["errors"], json!({}));
    assert_conserved(&stream);
}
