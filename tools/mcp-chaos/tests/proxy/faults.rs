//! What each fault does to living connections and to those that come, by value.

use super::bench::{Bench, Dice, applied, receive, until};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

fn ask(client: &mut TcpStream, server: &mut TcpStream) {
    client.write_all(b"ping").unwrap();
    let mut space = [0; 4];
    server.read_exact(&mut space).unwrap();
    assert_eq!(&space, b"ping");
    server.write_all(b"pong").unwrap();
    client.read_exact(&mut space).unwrap();
    assert_eq!(&space, b"pong");
}

fn is_reset(stream: &mut TcpStream) -> bool {
    let mut all = Vec::new();
    matches!(stream.read_to_end(&mut all), Err(e) if e.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn latency_delays_a_living_connection_and_is_gone_when_lifted() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    ask(&mut client, &mut server);
    bench.apply("slow", "latency:latency=60ms,side=both");
    let began = Instant::now();
    ask(&mut client, &mut server);
    assert!(began.elapsed() >= Duration::from_millis(120));
    let counts = bench.lift("slow");
    assert_eq!((counts["connections"], counts["chunks_delayed"]), (1, 2));
    assert_eq!(counts["delay_us"], 120_000);
    // What it holds goes at once when it is lifted: an hour is not waited for.
    bench.apply("slow", "latency:latency=10m");
    server.write_all(b"held").unwrap();
    until("it is held", || {
        client.set_nonblocking(true).unwrap();
        let nothing = client.read(&mut [0]).is_err();
        client.set_nonblocking(false).unwrap();
        nothing && bench.proxies.list()[0].toxics.len() == 1
    });
    bench.lift("slow");
    let mut space = [0; 4];
    client.read_exact(&mut space).unwrap();
    assert_eq!(&space, b"held");
}

#[test]
fn bandwidth_takes_at_least_the_time_that_the_bytes_need() {
    let bench = Bench::new();
    bench.apply("thin", "bandwidth:rate=2MB/s");
    let (client, mut server) = bench.connect();
    let began = Instant::now();
    let bytes = Dice(7).bytes(600_000);
    let sent = bytes.clone();
    let sending = std::thread::spawn(move || {
        server.write_all(&sent).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        server
    });
    assert!(receive(&client, 7) == bytes);
    assert!(began.elapsed() >= Duration::from_millis(300));
    sending.join().unwrap();
    assert_eq!(bench.lift("thin")["bytes_slowed"], 600_000);
}

#[test]
fn a_black_hole_swallows_and_what_has_a_hole_is_reset_when_it_is_lifted() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    let (mut quiet, mut other) = bench.connect();
    bench.apply("hole", "timeout:side=up");
    client.write_all(b"lost").unwrap();
    server.write_all(b"comes").unwrap();
    let mut space = [0; 5];
    client.read_exact(&mut space).unwrap();
    until("it is swallowed", || {
        // Replacing it by its like tells whether there is a hole already, at no harm to the quiet one.
        bench.apply("hole", "timeout:side=up");
        bench.links() == 1
    });
    assert!(is_reset(&mut client) && is_reset(&mut server));
    bench.lift("hole");
    ask(&mut quiet, &mut other);
}

#[test]
fn a_black_hole_closes_after_its_time_without_a_byte() {
    let bench = Bench::new();
    bench.apply("hole", "timeout:after=30ms,side=both");
    let (mut client, mut server) = bench.connect();
    client.write_all(b"lost").unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let counts = bench.lift("hole");
    assert_eq!(counts["bytes_dropped"], 4);
    assert!(counts["connections_closed"] >= 1);
}

#[test]
fn a_reset_hits_those_that_there_are_and_those_that_come_until_it_is_lifted() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    bench.apply("reset", "reset");
    assert!(is_reset(&mut client) && is_reset(&mut server));
    let mut client = bench.client();
    assert!(is_reset(&mut client));
    bench.apply("reset", "reset:after=20ms");
    let (mut client, mut server) = bench.connect();
    assert!(is_reset(&mut client) && is_reset(&mut server));
    let counts = bench.lift("reset");
    assert_eq!(counts["connections_closed"], 1, "since it was replaced");
    while let Some((mut client, mut server)) = Some(bench.connect()) {
        // The server's end of the one that was reset while it came may still be there.
        if client.local_addr().is_ok() && server.take_error().unwrap().is_none() {
            client.write_all(b"ping").unwrap();
            let mut space = [0; 4];
            if server.read_exact(&mut space).is_ok() {
                break;
            }
        }
    }
}

#[test]
fn after_so_many_bytes_the_connection_is_closed_and_those_have_arrived() {
    let bench = Bench::new();
    bench.apply("limit", "limit_data:size=100000B");
    let (client, mut server) = bench.connect();
    let bytes = Dice(7).bytes(250_000);
    let sent = bytes.clone();
    let sending = std::thread::spawn(move || {
        let _ = server.write_all(&sent);
        let mut rest = Vec::new();
        let _ = server.read_to_end(&mut rest);
    });
    assert!(receive(&client, 7) == bytes[..100_000]);
    sending.join().unwrap();
    until("it is forgotten", || bench.links() == 0);
    assert_eq!(bench.lift("limit")["connections_cut"], 1);
}

#[test]
fn as_many_bits_are_flipped_as_were_counted() {
    let bench = Bench::new();
    bench.apply("noise", "corrupt:rate=0.1%");
    let (client, server) = bench.connect();
    let bytes = Dice(7).bytes(1_000_000);
    let sent = bytes.clone();
    let sending = std::thread::spawn(move || super::bench::send(&server, &sent, 7, 50_000));
    let got = receive(&client, 7);
    sending.join().unwrap();
    assert_eq!(got.len(), bytes.len());
    let flipped: u64 = got
        .iter()
        .zip(&bytes)
        .map(|(a, b)| u64::from((a ^ b).count_ones()))
        .sum();
    assert_eq!(bench.lift("noise")["bytes_corrupted"], flipped);
    assert!((800..1_200).contains(&flipped), "{flipped}");
}

#[test]
fn a_partition_holds_everything_and_lets_it_flow_when_it_is_over() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    bench.apply("split", "partition");
    client.write_all(b"waits").unwrap();
    let mut newcomer = bench.client();
    newcomer.write_all(b"waits, too").unwrap();
    let given_up = bench.client();
    until("all three are there", || bench.links() == 3);
    drop(given_up);
    until("who gave up is forgotten", || bench.links() == 2);
    bench.server.set_nonblocking(true).unwrap();
    assert_eq!(
        bench.server.accept().unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    server.set_nonblocking(true).unwrap();
    assert_eq!(
        server.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    server.set_nonblocking(false).unwrap();
    bench.server.set_nonblocking(false).unwrap();
    let counts = bench.lift("split");
    assert_eq!(counts["connections"], 3);
    let mut space = [0; 5];
    server.read_exact(&mut space).unwrap();
    assert_eq!(&space, b"waits");
    let (mut asked, _) = bench.server.accept().unwrap();
    let mut space = [0; 10];
    asked.read_exact(&mut space).unwrap();
    assert_eq!(&space, b"waits, too");
    ask(&mut client, &mut server);
    ask(&mut newcomer, &mut asked);
}

#[test]
fn a_partition_of_one_side_lets_the_other_through() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    bench.apply("split", "partition:side=down");
    client.write_all(b"goes").unwrap();
    server.read_exact(&mut [0; 4]).unwrap();
    server.write_all(b"waits").unwrap();
    client.set_nonblocking(true).unwrap();
    assert!(client.read(&mut [0]).is_err());
    client.set_nonblocking(false).unwrap();
    bench.lift("split");
    client.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn refusing_closes_the_port_keeps_it_and_opens_it_again() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    bench.apply("closed", "refuse");
    for _ in 0..3 {
        assert_eq!(
            TcpStream::connect(bench.address).unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
    }
    ask(&mut client, &mut server);
    bench.lift("closed");
    let (mut second, mut behind) = bench.connect();
    ask(&mut second, &mut behind);
    bench.apply("closed", "refuse:existing=reset");
    for stream in [&mut client, &mut server, &mut second, &mut behind] {
        assert!(is_reset(stream));
    }
    assert_eq!(bench.lift("closed")["connections_closed"], 2);
    let (mut client, mut server) = bench.connect();
    ask(&mut client, &mut server);
}

#[test]
fn a_share_of_the_connections_is_hit_the_same_ones_with_the_same_seed() {
    let hit = |seed: u64, before: bool| {
        let bench = Bench::new();
        let fault = "reset:after=1h,toxicity=30%";
        let apply = || {
            let applied = applied("some", fault, seed);
            bench.proxies.apply("p", applied).unwrap();
        };
        if before {
            apply();
        }
        let mut pairs: Vec<_> = (0..100).map(|_| bench.connect()).collect();
        if !before {
            apply();
        }
        // The same toxic with another time: those that it hits are known by that.
        bench
            .proxies
            .apply("p", applied("some", "reset:toxicity=30%", seed))
            .unwrap();
        let counted = bench.lift("some")["connections"];
        let mut hit = Vec::new();
        for (n, (client, server)) in pairs.iter_mut().enumerate() {
            let is_hit =
                client.write_all(b"ping").is_err() || server.read_exact(&mut [0; 4]).is_err();
            if is_hit {
                hit.push(n);
            }
        }
        assert_eq!(hit.len() as u64, counted);
        hit
    };
    let first = hit(7, true);
    assert!((15..=45).contains(&first.len()), "{first:?}");
    assert_eq!(first, hit(7, false));
    assert_ne!(first, hit(8, true));
}
