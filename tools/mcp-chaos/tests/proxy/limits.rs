//! What a direction holds is bounded: a reader that reads nothing stops the writer, and loses nothing.

use super::bench::{Bench, Dice, receive, until};
use mcp_chaos::message::Wire;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// What the kernel's buffers of four sockets may hold, and the proxy's own: a pipe, or 4 MiB of queue.
fn most() -> usize {
    let sum: usize = ["rmem", "wmem"]
        .iter()
        .map(|name| {
            let text = std::fs::read_to_string(format!("/proc/sys/net/ipv4/tcp_{name}")).unwrap();
            let max = text.split_whitespace().last().unwrap();
            max.parse::<usize>().unwrap()
        })
        .sum();
    2 * sum + (6 << 20)
}

/// Writes until nothing is taken for a while, and gives what was taken.
fn fill(mut stream: &TcpStream, bytes: &[u8]) -> usize {
    stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let mut stuck = Instant::now();
    while stuck.elapsed() < Duration::from_millis(300) && sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(n) => {
                sent += n;
                stuck = Instant::now();
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(e) => panic!("{e}"),
        }
    }
    stream.set_nonblocking(false).unwrap();
    sent
}

#[test]
fn a_reader_that_does_not_read_stops_the_writer() {
    let most = most();
    let bytes = Dice(7).bytes(most + (8 << 20));
    for (fault, split) in [
        (None, None),
        (Some("latency:latency=1ms"), None),
        (Some("bandwidth:rate=100KB/s"), None),
        (Some("partition"), None),
        (Some("slice:size=1B"), None),
        (None, Some(Wire::Lines)),
    ] {
        let bench = Bench::splitting(split);
        let (client, server) = bench.connect();
        if let Some(fault) = fault {
            bench.apply("f", fault);
        }
        let sent = fill(&server, &bytes);
        assert!(sent < most, "{fault:?}: {sent} bytes were taken");
        if fault.is_some() {
            bench.lift("f");
        }
        let rest = fill(&server, &bytes[sent..]);
        server.shutdown(Shutdown::Write).unwrap();
        assert!(receive(&client, 7) == bytes[..sent + rest], "{fault:?}");
        client.shutdown(Shutdown::Write).unwrap();
        until("it is forgotten", || bench.links() == 0);
    }
}
