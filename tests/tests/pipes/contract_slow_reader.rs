//! The load never waits for stdout: what a slow reader cannot take is added up, or dropped and counted.

use pipe_tests::{Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up};

/// The longest second that the generator's own loop was late, from its last word.
fn max_gap_us(stream: &Stream) -> u64 {
    stream.totals()["generator"]["max_gap_us"]
        .as_u64()
        .expect("the schema says so")
}

#[test]
fn a_reader_that_sleeps_does_not_slow_the_load() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-gen --url {} --clients 10 --rate 100/s --connect-for 200ms --warmup 0s --for 2s --interval 100ms -q | (sleep 4; cat)",
        server.ws()
    ))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.stream();
    let totals = stream.totals();
    assert_eq!(
        (&totals["scheduled"], &totals["ok"]),
        (&2_000.into(), &2_000.into()),
        "{}",
        totals["errors"]
    );
    assert_eq!(
        totals["ok_in_stage"],
        totals["ok"].as_u64().map(|n| n - late(&stream)).unwrap()
    );
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    // Had a worker waited for the pipe, it would have come back seconds late.
    assert!(max_gap_us(&stream) < 1_500_000, "{}", max_gap_us(&stream));
}

/// Calls of the last moment, answered after their stage.
fn late(stream: &Stream) -> u64 {
    let rows = stream
        .of("summary")
        .into_iter()
        .filter(|s| s["final"] != true);
    rows.map(|s| {
        s["ok"].as_u64().expect("the schema says so")
            - s["ok_in_stage"].as_u64().expect("the schema says so")
    })
    .sum()
}

/// A load with so many rows that the queue of 8 MiB and the pipe are full soon: 60 targets, 4 kinds of calls, 10 intervals a second.
fn many_rows(reader: &str, more: &str) -> Stream {
    let server = Server::start(&[]);
    let targets: String = (0..60)
        .map(|i| {
            format!(
                "{{\"type\":\"target\",\"name\":\"t{i}\",\"url\":\"{}\"}}\n",
                server.ws()
            )
        })
        .collect();
    let run = Pipeline::new(format!(
        "mcp-gen --clients 60 --rate 40/s --connect-for 300ms --warmup 0s --for 3s --interval 100ms -q {more} | {reader}"
    ))
    .stdin(targets)
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.stream();
    let totals = stream.totals();
    assert_eq!(
        (&totals["scheduled"], &totals["sent"]),
        (&7_200.into(), &7_200.into()),
        "{}",
        totals["errors"]
    );
    assert!(max_gap_us(&stream) < 2_000_000, "{}", max_gap_us(&stream));
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

#[test]
fn where_the_pipe_is_full_for_long_intervals_are_added_up_and_nothing_is_lost() {
    let stream = many_rows("(sleep 5; cat)", "");
    let longest = stream
        .of("interval")
        .iter()
        .filter_map(|i| i["span_us"].as_u64())
        .max();
    assert!(
        longest > Some(100_000),
        "no interval was added up: {longest:?}"
    );
    assert_eq!(
        stream.only("mcp-gen", "end")["dropped"],
        0,
        "intervals are never dropped"
    );
}

#[test]
fn calls_that_find_no_room_are_dropped_and_counted() {
    let stream = many_rows("(sleep 5; cat)", "--calls all");
    let end = stream.only("mcp-gen", "end");
    let (dropped, written) = (
        end["dropped"].as_u64().unwrap(),
        stream.of("call").len() as u64,
    );
    assert!(dropped > 0, "{end}");
    assert_eq!(
        dropped + written,
        7_200,
        "each call was written, or dropped and counted"
    );
}

#[test]
fn a_reader_that_keeps_up_gets_every_call() {
    let stream = many_rows("cat", "--calls all");
    assert_eq!(stream.of("call").len(), 7_200);
    assert_eq!(stream.only("mcp-gen", "end")["dropped"], 0);
}

#[test]
fn a_reader_that_never_reads_does_not_outlive_the_patience_of_a_second_signal() {
    let server = Server::start(&[]);
    let running = Pipeline::new(format!(
        "mcp-gen --url {} --clients 30 --rate 100/s --connect-for 200ms --warmup 0s --for 60s --calls all | (touch up; sleep 50)",
        server.ws()
    ))
    .outlives_signals()
    .start();
    pipe_tests::until("a load that filled the pipe", pipe_tests::PATIENCE, || {
        let all = running.processes();
        all.iter()
            .any(|p| p.command.starts_with("mcp-gen ") && pipe_is_full(p.pid))
    });
    let pid = running.stage("mcp-gen");
    for _ in 0..2 {
        running.signal_one(pid, libc::SIGINT);
        // Two at once would be one: a pending signal has no count.
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    pipe_tests::until("mcp-gen is gone", pipe_tests::PATIENCE, || {
        running.processes().iter().all(|p| p.pid != pid)
    });
}

#[test]
fn a_filter_whose_reader_never_reads_ends_at_a_second_signal() {
    for tool in pipe_tests::FILTERS {
        let running = Pipeline::new(format!(
            "seq -f '{{\"n\":%.0f}}' 2000000 | {tool} | sleep 50"
        ))
        .outlives_signals()
        .start();
        pipe_tests::until("a full pipe", pipe_tests::PATIENCE, || {
            let all = running.processes();
            all.iter().any(|p| p.command == tool && pipe_is_full(p.pid))
        });
        let pid = running.stage(tool);
        for _ in 0..2 {
            running.signal_one(pid, libc::SIGTERM);
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        pipe_tests::until("the filter is gone", pipe_tests::PATIENCE, || {
            running.processes().iter().all(|p| p.pid != pid)
        });
    }
}

/// Whether a thread of the process hangs in write(2) to a pipe.
fn pipe_is_full(pid: i32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.flatten().any(|thread| {
        let at = std::fs::read_to_string(thread.path().join("wchan")).unwrap_or_default();
        at.contains("pipe_write")
    })
}
