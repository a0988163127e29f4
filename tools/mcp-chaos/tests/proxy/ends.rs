//! How connections end: FIN as FIN, RST as RST, and what is refused behind as a reset in front.

use super::bench::{Bench, PATIENCE, any, until};
use mcp_chaos::proxy::{Open, Said};
use rustix::net::sockopt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

fn reset(stream: TcpStream) {
    sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}

fn error_of_reading(stream: &mut TcpStream) -> ErrorKind {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap_err().kind()
}

#[test]
fn a_half_close_is_passed_on_and_the_other_half_lives() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    client.write_all(b"all I have to say").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    server.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "all I have to say");
    server.write_all(b"an answer").unwrap();
    let mut space = [0; 9];
    client.read_exact(&mut space).unwrap();
    assert_eq!((&space, bench.links()), (b"an answer", 1));
    drop(server);
    assert_eq!(client.read(&mut space).unwrap(), 0);
    until("the connection is forgotten", || bench.links() == 0);
}

#[test]
fn a_reset_is_passed_on_as_a_reset_both_ways() {
    for fault in [None, Some("latency:latency=5ms,side=both")] {
        let bench = Bench::new();
        if let Some(fault) = fault {
            bench.apply("f", fault);
        }
        let (client, mut server) = bench.connect();
        reset(client);
        assert_eq!(error_of_reading(&mut server), ErrorKind::ConnectionReset);
        let (mut client, server) = bench.connect();
        reset(server);
        assert_eq!(error_of_reading(&mut client), ErrorKind::ConnectionReset);
        until("both are forgotten", || bench.links() == 0);
    }
}

#[test]
fn a_client_that_is_reset_after_its_last_word_resets_the_server() {
    let bench = Bench::new();
    let (client, mut server) = bench.connect();
    client.shutdown(Shutdown::Write).unwrap();
    let mut space = [0; 1];
    assert_eq!(server.read(&mut space).unwrap(), 0);
    // Unread bytes make a close of it a reset.
    server.write_all(b"answer that nobody reads").unwrap();
    until("it has arrived", || client.peek(&mut space).is_ok());
    drop(client);
    until("the server is told", || {
        server.write_all(b"more").is_err() || server.take_error().unwrap().is_some()
    });
    until("it is forgotten", || bench.links() == 0);
}

#[test]
fn a_reader_that_is_gone_ends_a_sender_whose_queue_is_full() {
    let bench = Bench::new();
    let (client, mut server) = bench.connect();
    let sending = std::thread::spawn(move || {
        let chunk = [0; 65_536];
        while server.write_all(&chunk).is_ok() {}
    });
    let mut space = [0; 1];
    until("something has come", || client.peek(&mut space).is_ok());
    drop(client);
    sending.join().unwrap();
    until("it is forgotten", || bench.links() == 0);
}

#[test]
fn where_nobody_listens_behind_clients_are_reset_and_it_is_told_once() {
    let bench = Bench::new();
    // Bound by us and not listened on: nobody else can come by it meanwhile.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = listener.local_addr().unwrap();
    rustix::net::shutdown(&listener, rustix::net::Shutdown::Read).unwrap();
    bench.proxies.aim("p", dead);
    for _ in 0..3 {
        assert_eq!(
            error_of_reading(&mut bench.client()),
            ErrorKind::ConnectionReset
        );
    }
    assert_eq!(bench.proxies.list()[0].refused, 3);
    let told = bench.said();
    assert!(
        matches!(&told[..], [Said::Trouble(text)] if text.contains("takes no connection")),
        "{told:?}"
    );
    bench.proxies.aim("p", bench.server.local_addr().unwrap());
    let (mut client, mut server) = bench.connect();
    client.write_all(b"x").unwrap();
    server.read_exact(&mut [0]).unwrap();
}

#[test]
fn the_first_byte_is_told_once() {
    let bench = Bench::new();
    let (mut client, mut server) = bench.connect();
    server.write_all(b"a greeting is not traffic").unwrap();
    client.read_exact(&mut [0; 25]).unwrap();
    assert_eq!(bench.said(), []);
    let before_us = record::clock::mono_us();
    for _ in 0..2 {
        client.write_all(b"x").unwrap();
        server.read_exact(&mut [0]).unwrap();
    }
    let after_us = record::clock::mono_us();
    let told = bench.said();
    let [Said::FirstByte { mono_us }] = told[..] else {
        panic!("{told:?}");
    };
    assert!((before_us..=after_us).contains(&mono_us));
}

#[test]
fn shut_and_end_close_ports_and_connections() {
    let bench = Bench::new();
    let other = bench
        .proxies
        .open(Open {
            name: "q".to_owned(),
            listen: any(),
            upstream: bench.server.local_addr().unwrap(),
            split: None,
        })
        .unwrap();
    let (mut client, _server) = bench.connect();
    bench.proxies.shut("p");
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_eq!(
        TcpStream::connect(bench.address).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    let mut client = TcpStream::connect_timeout(&other, PATIENCE).unwrap();
    let (_server, _) = bench.server.accept().unwrap();
    bench.proxies.clone().end();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_eq!(
        TcpStream::connect(other).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    let told = bench.proxies.lift("q", "f").unwrap_err();
    assert!(told.contains("have ended"), "{told}");
}
