//! Proxies and toxics as an API sees them: listed, disabled, replaced, and errors that say what is wrong.

use super::bench::{Bench, any, applied};
use mcp_chaos::proxy::{Open, Proxies};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

#[test]
fn what_is_there_is_listed_in_its_order() {
    let bench = Bench::new();
    bench.apply("one", "latency:latency=5ms");
    bench.apply("two", "partition:side=up");
    bench.apply("one", "latency:latency=6ms");
    let client = bench.client();
    super::bench::until("it was let in", || bench.links() == 1);
    let list = bench.proxies.list();
    let [p] = &list[..] else { panic!("{list:?}") };
    assert_eq!(
        (&p.name[..], p.listen, p.enabled),
        ("p", bench.address, true)
    );
    assert_eq!(p.upstream, bench.server.local_addr().unwrap());
    assert_eq!((p.links, p.accepted, p.refused), (1, 1, 0));
    assert_eq!(
        p.toxics,
        [
            applied("one", "latency:latency=6ms", 7),
            applied("two", "partition:side=up", 7)
        ]
    );
    drop(client);
}

#[test]
fn a_disabled_proxy_is_closed_and_comes_back_on_its_port_with_its_toxics() {
    let bench = Bench::new();
    bench.apply("one", "latency:latency=1ms");
    let (mut client, _server) = bench.connect();
    bench.proxies.set_enabled("p", false).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let refused = TcpStream::connect(bench.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    // A fault that opens the port again when it goes, must not.
    bench.apply("closed", "refuse");
    bench.lift("closed");
    assert!(TcpStream::connect(bench.address).is_err());
    bench.proxies.set_enabled("p", true).unwrap();
    let (mut client, mut server) = bench.connect();
    client.write_all(b"x").unwrap();
    server.read_exact(&mut [0]).unwrap();
    assert_eq!(bench.lift("one")["connections"], 2);
}

#[test]
fn what_is_wrong_is_a_sentence() {
    let bench = Bench::new();
    let open = |name: &str, listen| Open {
        name: name.to_owned(),
        listen,
        upstream: bench.address,
        split: None,
    };
    let wrong = [
        bench.proxies.open(open("p", any())).unwrap_err(),
        bench.proxies.open(open("q", bench.address)).unwrap_err(),
        bench
            .proxies
            .apply("q", applied("f", "partition", 7))
            .unwrap_err(),
        bench.proxies.lift("q", "f").unwrap_err(),
        bench.proxies.lift("p", "f").unwrap_err(),
        bench.proxies.set_enabled("q", true).unwrap_err(),
    ];
    for (wrong, words) in wrong.iter().zip([
        "shut it first",
        "port 0 takes a free one",
        "no proxy is called q",
        "no proxy is called q",
        "p has no fault called f",
        "no proxy is called q",
    ]) {
        assert!(wrong.contains(words), "{wrong}");
    }
    bench.proxies.shut("p");
    bench.proxies.open(open("p", any())).unwrap();
    let others = Proxies::start(|_| ()).unwrap();
    assert_eq!(others.list(), []);
}
