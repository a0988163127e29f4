//! What concerns the whole process, so that nothing else may run in it: open files, their limit, and idleness.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

#[allow(dead_code)]
#[path = "proxy/bench.rs"]
mod bench;

use bench::{Bench, exchange, until};
use mcp_chaos::proxy::Said;
use rustix::net::{AddressFamily, SocketType, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The number of the next file that is opened: with this as their limit there are no more.
fn next_file() -> usize {
    File::open("/dev/null").unwrap().as_raw_fd() as usize
}

/// The relay's thread, looked at from outside.
struct Relay {
    status: File,
    stat: File,
}

impl Relay {
    fn find() -> Self {
        for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
            let open = |name: &str| File::open(task.path().join(name)).unwrap();
            let relay = Self {
                status: open("status"),
                stat: open("stat"),
            };
            if text(&relay.status).starts_with("Name:\trelay\n") {
                return relay;
            }
        }
        panic!("there is no relay");
    }

    /// How often it went to sleep, and its CPU time in clock ticks.
    fn work(&self) -> (u64, u64) {
        let status = text(&self.status);
        let line = status.lines().find(|l| l.starts_with("voluntary_ctxt"));
        let sleeps = line.unwrap().split_whitespace().last().unwrap();
        let stat = text(&self.stat);
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
        let ticks = [12, 13].map(|i: usize| fields[i].parse::<u64>().unwrap());
        (sleeps.parse().unwrap(), ticks.iter().sum())
    }
}

fn text(file: &File) -> String {
    let mut space = [0; 8_192];
    let n = file.read_at(&mut space, 0).unwrap();
    String::from_utf8_lossy(&space[..n]).into_owned()
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
    bench.apply("slow", "latency:latency=10m,toxicity=20%");
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
    let relay = Relay::find();
    until("it sleeps", || {
        let before = relay.work();
        std::thread::sleep(Duration::from_millis(100));
        relay.work() == before
    });
}

#[test]
fn without_files_clients_wait_and_come_in_when_others_leave() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let bench = Bench::new();
    let most = getrlimit(Resource::Nofile);
    let (mut one, mut behind) = bench.connect();
    let relay = Relay::find();
    // The clients' own files are there before the limit comes.
    let sockets: Vec<OwnedFd> = (0..5)
        .map(|_| socket(AddressFamily::INET, SocketType::STREAM, None).unwrap())
        .collect();
    let current = Some(next_file() as u64);
    setrlimit(Resource::Nofile, Rlimit { current, ..most }).unwrap();
    for socket in &sockets {
        connect(socket, &bench.address).unwrap();
    }
    until("it is told", || {
        bench
            .said()
            .iter()
            .any(|s| matches!(s, Said::Trouble(text) if text.contains("ulimit -n")))
    });
    let before = relay.work();
    one.write_all(b"x").unwrap();
    behind.read_exact(&mut [0]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let after = relay.work();
    let tries = after.0 - before.0;
    assert!(tries < 50, "it tries ten times a second: {tries}");
    assert_eq!(bench.links(), 1);
    setrlimit(Resource::Nofile, most).unwrap();
    until("they were let in", || bench.links() == 6);
}

#[test]
fn where_no_file_is_left_for_the_way_on_a_client_is_reset() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let bench = Bench::new();
    let most = getrlimit(Resource::Nofile);
    // They are let in, and the way on is asked for only when the partition is over.
    bench.apply("split", "partition");
    let mut clients: Vec<TcpStream> = (0..30).map(|_| bench.client()).collect();
    until("all were let in", || bench.links() == 30);
    let current = Some(next_file() as u64 + 9);
    setrlimit(Resource::Nofile, Rlimit { current, ..most }).unwrap();
    bench.lift("split");
    // Each that is reset leaves a file for another.
    until("some were reset", || bench.links() <= 21);
    setrlimit(Resource::Nofile, most).unwrap();
    let is_reset = |client: &mut TcpStream| {
        client.set_nonblocking(true).unwrap();
        matches!(client.read(&mut [0]), Err(e) if e.kind() == ErrorKind::ConnectionReset)
    };
    let reset = clients
        .iter_mut()
        .filter_map(|c| is_reset(c).then_some(()))
        .count();
    assert_eq!(reset, 30 - bench.links());
}

#[test]
fn thousands_of_connections_each_with_a_toxic_are_all_served() {
    const MANY: usize = 2_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let most = getrlimit(Resource::Nofile);
    let current = Some(1_024);
    setrlimit(Resource::Nofile, Rlimit { current, ..most }).unwrap();
    let bench = Bench::new();
    assert_eq!(
        getrlimit(Resource::Nofile).current,
        most.maximum,
        "the soft limit is raised"
    );
    // The ends of the test are files, too.
    assert!(
        most.maximum
            .is_none_or(|files| files > 4 * MANY as u64 + 100),
        "this test wants more files: raise ulimit -Hn"
    );
    bench.apply("slow", "latency:latency=50ms,jitter=50ms,side=both");
    let mut pairs: Vec<_> = (0..MANY).map(|_| bench.connect()).collect();
    for (n, (client, _)) in pairs.iter_mut().enumerate() {
        client.write_all(&(n as u64).to_ne_bytes()).unwrap();
    }
    for (n, (_, server)) in pairs.iter_mut().enumerate() {
        let mut word = [0; 8];
        server.read_exact(&mut word).unwrap();
        assert_eq!(word, (n as u64).to_ne_bytes());
        server.write_all(&word).unwrap();
    }
    for (n, (client, _)) in pairs.iter_mut().enumerate() {
        let mut word = [0; 8];
        client.read_exact(&mut word).unwrap();
        assert_eq!(word, (n as u64).to_ne_bytes());
    }
    let counts = bench.lift("slow");
    assert_eq!(counts["connections"], MANY as u64);
    assert_eq!(counts["chunks_delayed"], 2 * MANY as u64);
    drop(pairs);
    until("they are forgotten", || bench.links() == 0);
}
