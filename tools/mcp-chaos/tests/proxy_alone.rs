//! What concerns the whole process, so that nothing else may run in it: open files, their limit, and idleness.

#[allow(dead_code)]
#[path = "proxy/bench.rs"]
mod bench;

use bench::{Bench, exchange, until};
use mcp_chaos::proxy::Said;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How often the relay's thread went to sleep, and its CPU time in clock ticks.
fn relay() -> (u64, u64) {
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap();
        let status = read("status");
        if status.starts_with("Name:\trelay\n") {
            let line = status.lines().find(|l| l.starts_with("voluntary_ctxt"));
            let sleeps = line.unwrap().split_whitespace().last().unwrap();
            let stat = read("stat");
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
            let ticks: u64 = [12, 13].iter().map(|&i| fields[i].parse::<u64>().unwrap()).sum();
            return (sleeps.parse().unwrap(), ticks);
        }
    }
    panic!("there is no relay");
}

#[test]
fn hundreds_of_connections_leave_no_file_and_pipes_are_held_only_while_bytes_are_in_them() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = open_files();
    {
        let bench = Bench::new();
        exchange(&bench, 1, 1_000_000, 100_000);
        until("it is forgotten", || bench.links() == 0);
        let with_proxy = open_files();
        for round in 0..5 {
            match round {
                1 => bench.apply("f", "latency:latency=2ms,side=both"),
                2 => bench.apply("f", "slice:size=50B"),
                3 => bench.apply("f", "reset:after=1ms"),
                4 => bench.apply("f", "timeout:after=20ms,side=both"),
                _ => {}
            }
            for _ in 0..3 {
                let mut pairs: Vec<_> = (0..50).map(|_| bench.connect()).collect();
                for (n, (client, server)) in pairs.iter_mut().enumerate() {
                    let _ = client.write_all(b"hello");
                    let _ = server.write_all(b"hello yourself");
                    if n % 3 == 0 {
                        let _ = client.shutdown(Shutdown::Write);
                    }
                }
                drop(pairs);
                until("they are forgotten", || bench.links() == 0);
            }
        }
        bench.lift("f");
        // Pipes of the pool may be more than before, eight at most.
        assert!(open_files() <= with_proxy + 16, "{with_proxy}");
        // Connections that are there and say nothing have their two sockets on our side, and no pipe.
        let some = open_files();
        let pairs: Vec<_> = (0..100).map(|_| bench.connect()).collect();
        assert_eq!(open_files(), some + 400);
        drop(pairs);
        until("they are forgotten", || bench.links() == 0);
        bench.proxies.clone().end();
    }
    assert_eq!(open_files(), before);
}

#[test]
fn nothing_happens_while_nothing_happens() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let bench = Bench::new();
    bench.apply("split", "partition:toxicity=50%");
    bench.apply("slow", "latency:latency=1h,toxicity=20%".replace("1h", "10m").as_str());
    let mut pairs: Vec<_> = (0..20).map(|_| bench.client()).collect();
    for client in &mut pairs {
        client.write_all(b"x").unwrap();
    }
    until("all are there", || bench.links() == 20);
    // One asks and gets no answer, one is full, one has half ended.
    pairs[0].shutdown(Shutdown::Write).unwrap();
    pairs[1].set_nonblocking(true).unwrap();
    let chunk = [0; 65_536];
    until("it is full", || pairs[1].write(&chunk).is_err());
    // How long it takes to settle is not known, that it does is: no wake-up in a tenth of a second.
    until("it sleeps", || {
        let before = relay();
        std::thread::sleep(Duration::from_millis(100));
        relay() == before
    });
}

#[test]
fn without_files_clients_wait_and_come_in_when_others_leave() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let bench = Bench::new();
    let most = getrlimit(Resource::Nofile);
    // Clients are ours, too: let them connect before the limit comes down, while the proxy is closed to none of them.
    bench.apply("split", "partition");
    let limit = |files: usize| {
        let current = Some(files as u64);
        setrlimit(Resource::Nofile, Rlimit { current, ..most }).unwrap();
    };
    let clients: Vec<TcpStream> = (0..30).map(|_| bench.client()).collect();
    until("all were let in", || bench.links() == 30);
    // Room for ten of those that are now to be asked for behind the proxy.
    limit(open_files() + 10);
    bench.lift("split");
    until("the others were reset", || bench.links() <= 11);
    let told = bench.said();
    assert!(
        told.iter()
            .any(|s| matches!(s, Said::Trouble(text) if text.contains("ulimit -n"))),
        "{told:?}"
    );
    drop(clients);
    // Who connects now, waits with the kernel or is served, and is not lost.
    setrlimit(Resource::Nofile, most).unwrap();
    until("all are forgotten", || bench.links() == 0);
    let files = open_files();
    limit(files + 4);
    let mut one = bench.client();
    let (mut behind, _) = loop {
        // The one that was accepted from those before may be dead.
        let (mut behind, from) = bench.server.accept().unwrap();
        behind.set_nonblocking(true).unwrap();
        if !matches!(behind.read(&mut [0]), Ok(0)) && behind.take_error().unwrap().is_none() {
            behind.set_nonblocking(false).unwrap();
            break (behind, from);
        }
    };
    // No file is left: the next ones wait.
    let more: Vec<_> = {
        setrlimit(Resource::Nofile, Rlimit { current: Some(files as u64 + 9), ..most }).unwrap();
        (0..3).map(|_| bench.client()).collect()
    };
    one.write_all(b"x").unwrap();
    behind.read_exact(&mut [0]).unwrap();
    let before = relay();
    std::thread::sleep(Duration::from_millis(300));
    let after = relay();
    assert!(
        after.0 - before.0 < 50,
        "it tries ten times a second: {before:?}, {after:?}"
    );
    setrlimit(Resource::Nofile, most).unwrap();
    until("they were let in", || bench.links() == 1 + more.len());
}
