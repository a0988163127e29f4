//! Failover: what becomes of the calls of a target that is killed, stands still, or refuses connections and comes back.

use pipe_tests::{Pipeline, Running, Server, Stream, assert_conserved, assert_intervals_add_up};
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const LOAD: &str = "--clients 8 --rate 20/s --connect-for 500ms --warmup 0s --timeout 1s --interval 100ms --calls all --seed 7 -q";
/// 8 clients, 20/s each, 9 s.
const CALLS: u64 = 1_440;
/// Every second client's.
const OWN: u64 = CALLS / 2;

/// Within this time of its return all clients are back: so many tries, and the pause after them is 3.2 s at most.
const BACK_US: u64 = 4_200_000;

/// What a gate does with who comes.
const OPEN: u8 = 0;
/// Breaks what stands, and refuses who comes.
const REFUSE: u8 = 1;
/// Lets connections stand and passes nothing on.
const HANG: u8 = 2;
/// Passes on what opens a connection, and breaks it at what comes next.
const FLAP: u8 = 3;

/// A relay before a server, which can be shut.
struct Gate {
    port: u16,
    state: Arc<AtomicU8>,
    passed: Arc<AtomicU64>,
}

impl Gate {
    fn before(server: &Server) -> Self {
        let to = server.http();
        let to = to
            .trim_start_matches("http://")
            .trim_end_matches("/mcp")
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
            passed: Arc::default(),
        };
        let (state, passed) = (Arc::clone(&gate.state), Arc::clone(&gate.passed));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if state.load(Ordering::SeqCst) == REFUSE {
                    // Closed before a byte: as a proxy does whose server is down.
                    continue;
                }
                let far = TcpStream::connect(&to).unwrap();
                for (from, into) in [(&near, &far), (&far, &near)] {
                    let (from, into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
                    let (state, passed) = (Arc::clone(&state), Arc::clone(&passed));
                    thread::spawn(move || pass(&from, &into, &state, &passed));
                }
            }
        });
        gate
    }

    fn turn(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }
}

/// Copies bytes one way, as long as the gate is open.
fn pass(mut from: &TcpStream, mut into: &TcpStream, state: &AtomicU8, passed: &AtomicU64) {
    use std::io::{Read as _, Write as _};
    let _ = from.set_read_timeout(Some(Duration::from_millis(5)));
    let mut buffer = [0; 16 * 1024];
    let mut reads = 0;
    loop {
        match state.load(Ordering::SeqCst) {
            REFUSE => break,
            HANG => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
            _ => {}
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) if reads > 0 && state.load(Ordering::SeqCst) == FLAP => break,
            Ok(n) if into.write_all(&buffer[..n]).is_err() => break,
            Ok(n) => {
                reads += 1;
                passed.fetch_add(n as u64, Ordering::SeqCst);
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = into.shutdown(Shutdown::Both);
}

/// What became of a target's calls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fate {
    due: u64,
    ok: u64,
    moved: u64,
}

/// The calls of target `name` that were due between these instants.
fn fate(stream: &Stream, name: &str, from_us: u64, until_us: u64) -> Fate {
    let mut fate = Fate::default();
    for call in stream.of("call") {
        let due = call["due_us"].as_u64().unwrap();
        if call["target"] == name && (from_us..until_us).contains(&due) {
            fate.due += 1;
            fate.ok += u64::from(call["outcome"] == "ok");
            fate.moved += u64::from(!call["moved_to"].is_null());
        }
    }
    fate
}

fn start(a: &str, b: &str, options: &str) -> Running {
    Pipeline::new(format!(
        "mcp-gen - {LOAD} --for 9s {options} > run.jsonl"
    ))
    .stdin(format!(
        "{{\"type\":\"target\",\"name\":\"a\",\"url\":\"{a}\"}}\n{{\"type\":\"target\",\"name\":\"b\",\"url\":\"{b}\"}}\n"
    ))
    .start()
}

/// Its end, when all that is asked of any run was looked at.
fn end(run: Running, options: &str) -> Stream {
    let run = run.finish();
    run.assert_stages(&[0]);
    let stream = run.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    assert_eq!(stream.totals()["scheduled"], CALLS, "{options}");
    for name in ["a", "b"] {
        let own = fate(&stream, name, 0, u64::MAX);
        assert_eq!(
            own.due, OWN,
            "{options}: each call counts on its home {name}"
        );
        assert_eq!(own.moved, moved(&stream, name), "{options}: {name}");
    }
    assert_eq!(
        fate(&stream, "b", 0, u64::MAX).ok,
        OWN,
        "{options}: b was well"
    );
    stream
}

/// The count of the intervals of a target.
fn moved(stream: &Stream, name: &str) -> u64 {
    let rows = stream.of("interval").into_iter();
    rows.filter(|i| i["target"] == name)
        .filter_map(|i| i["moved"].as_u64())
        .sum()
}

fn wait(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}

/// A gate before `a` is shut 1 s after the first call, for 2.2 s. Gives the stream, and both instants.
fn shut(state: u8, kind: &str, options: &str) -> (Stream, u64, u64) {
    let servers = [Server::start(&[]), Server::start(&[])];
    let gate = Gate::before(&servers[0]);
    let a = format!("{kind}://127.0.0.1:{}/mcp", gate.port);
    let b = if kind == "ws" {
        servers[1].ws()
    } else {
        servers[1].http()
    };
    let run = start(&a, &b, options);
    run.until_calls("run.jsonl");
    wait(1_000);
    gate.turn(state);
    let shut_us = record::clock::unix_us();
    wait(2_200);
    gate.turn(OPEN);
    let open_us = record::clock::unix_us();
    let passed = gate.passed.load(Ordering::SeqCst);
    let stream = end(run, options);
    assert!(
        gate.passed.load(Ordering::SeqCst) > passed,
        "nobody came back to a"
    );
    (stream, shut_us, open_us)
}

#[test]
fn clients_stay_with_a_target_that_is_down_where_nobody_asks_for_failover() {
    let (stream, shut_us, open_us) = shut(REFUSE, "http", "");
    // The last tenth may wait until it is open again.
    let down = fate(&stream, "a", shut_us + 50_000, open_us - 1_200_000);
    assert!(down.due > 20 && down.ok == 0, "{down:?}");
    assert_eq!(stream.totals()["moved"], Value::Null);
    assert!(stream.warnings("failed_over").is_empty());
}

#[test]
fn clients_of_a_target_that_refuses_connections_call_the_other_one_and_come_back() {
    let cases = [
        ("http", "--failover"),
        ("ws", "--failover --threads 2"),
        ("ws", "--failover=2 --shared-connections 2"),
        ("http", "--failover --churn"),
    ];
    side_by_side(cases, |kind, options| {
        let (stream, shut_us, open_us) = shut(REFUSE, kind, options);
        let down = fate(&stream, "a", shut_us + 1_500_000, open_us);
        let what = format!("{kind} {options}: {down:?}");
        assert!(down.due > 30, "{what}");
        // Who tries whether it is back may have sent a call before the connection was closed again.
        assert!(
            down.ok + 3 >= down.due && down.moved + 3 >= down.due,
            "{what}"
        );
        let all = fate(&stream, "a", shut_us, open_us);
        assert!(all.ok < all.due, "{what}: some had to fail first: {all:?}");
        let back = fate(&stream, "a", open_us + BACK_US, u64::MAX);
        assert!(
            back.due > 0 && back.ok == back.due,
            "{kind} {options}: {back:?}"
        );
        assert_eq!(back.moved, 0, "{kind} {options}: {back:?}");
        assert!(
            !stream.warnings("failed_over").is_empty(),
            "{kind} {options}"
        );
    });
}

#[test]
fn clients_of_a_target_that_lets_them_in_and_serves_nobody_leave_it() {
    let (stream, shut_us, open_us) = shut(FLAP, "ws", "--failover");
    let down = fate(&stream, "a", shut_us + 1_500_000, open_us);
    assert!(down.due > 30, "{down:?}");
    assert!(
        down.ok + 3 >= down.due && down.moved + 3 >= down.due,
        "{down:?}"
    );
    let all = fate(&stream, "a", shut_us, open_us);
    assert!(all.ok + 8 <= all.due, "some had to fail first: {all:?}");
    let back = fate(&stream, "a", open_us + BACK_US, u64::MAX);
    assert!(back.due > 0 && back.ok == back.due, "{back:?}");
    assert_eq!(back.moved, 0, "{back:?}");
}

#[test]
fn clients_of_a_target_that_stands_still_leave_it_after_their_timeout() {
    let cases = [("http", "--failover"), ("ws", "--failover")];
    side_by_side(cases, |kind, options| {
        let (stream, shut_us, open_us) = shut(HANG, kind, options);
        let down = fate(&stream, "a", shut_us + 1_300_000, open_us);
        let what = format!("{kind} {options}: {down:?}");
        // One client tries whether it is back, a call at a time.
        assert!(
            down.ok + 3 >= down.due && down.moved + 3 >= down.due,
            "{what}"
        );
        let first = fate(&stream, "a", shut_us, shut_us + 800_000);
        // Four clients, each of which ran into three timeouts at least.
        assert!(first.ok + 12 <= first.due, "{what}: {first:?}");
        let back = fate(&stream, "a", open_us + BACK_US, u64::MAX);
        assert!(back.due > 0 && back.ok == back.due, "{what}: {back:?}");
        assert_eq!(back.moved, 0, "{what}: {back:?}");
    });
}

/// They wait for most of their time.
fn side_by_side<const N: usize>(
    cases: [(&'static str, &'static str); N],
    look: impl Fn(&str, &str) + Sync,
) {
    thread::scope(|scope| {
        for (kind, options) in cases {
            let look = &look;
            scope.spawn(move || look(kind, options));
        }
    });
}

#[test]
fn clients_of_a_replica_that_is_killed_move_and_return_when_it_was_restarted() {
    let load = "--clients 10 --rate 20/s --warmup 0s --timeout 1s --interval 100ms --calls all --for 6s -q";
    let run = Pipeline::new(format!(
        "mcp-deploy local --replicas 5 -q | mcp-gen {load} --failover > run.jsonl"
    ))
    .start();
    run.until_calls("run.jsonl");
    let text = String::from_utf8_lossy(&run.folder().read("run.jsonl")).into_owned();
    let pid = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|r| r["type"] == "target" && r["name"] == "local-2")
        .and_then(|r| r["pid"].as_i64())
        .expect("a target with a pid");
    run.signal_one(pid as i32, libc::SIGKILL);
    let run = run.finish();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    assert_conserved(&stream);
    assert_intervals_add_up(&stream);
    let end_us = stream.totals()["start_us"].as_u64().unwrap() + 6_000_000;
    for n in 1..=5 {
        let name = format!("local-{n}");
        let last = fate(&stream, &name, end_us - 1_500_000, end_us);
        assert!(last.due > 30, "{name}: {last:?}");
        assert_eq!((last.ok, last.moved), (last.due, 0), "{name}: {last:?}");
        let all = fate(&stream, &name, 0, u64::MAX);
        assert!(n == 2 || all.ok == all.due, "{name}: {all:?}");
    }
}

#[test]
fn failover_without_a_target_to_go_to_is_told() {
    let server = Server::start(&[]);
    let load = "--clients 1 --for 200ms --warmup 0s --connect-for 200ms -q --failover";
    let run = Pipeline::new(format!("mcp-gen --url {} {load}", server.http())).run();
    assert_eq!(run.stream().warnings("no_effect").len(), 1);
    let (a, b) = (server.http(), Server::start(&[]));
    let run = Pipeline::new(format!("mcp-gen --url {a} --url {} {load}", b.http())).run();
    assert!(run.stream().warnings("no_effect").is_empty());
}
