//! A workbench: a proxy, a server behind it whose connections the test has in hand, and talk between the two.

use mcp_chaos::message::Wire;
use mcp_chaos::network::Toxic;
use mcp_chaos::plan::spec;
use mcp_chaos::proxy::{Applied, Open, Proxies, Said, What};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Whatever takes longer is stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A proxy called `p`, and a server behind it.
pub struct Bench {
    pub proxies: Proxies,
    pub address: SocketAddr,
    pub server: TcpListener,
    said: Arc<Mutex<Vec<Said>>>,
}

impl Bench {
    pub fn new() -> Self {
        Self::splitting(None)
    }

    pub fn splitting(split: Option<Wire>) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&said);
        let proxies = Proxies::start(move |s| told.lock().unwrap().push(s)).unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = proxies
            .open(Open {
                name: "p".to_owned(),
                listen: any(),
                upstream: server.local_addr().unwrap(),
                split,
            })
            .unwrap();
        Self {
            proxies,
            address,
            server,
            said,
        }
    }

    /// A connection: the client's end and the server's.
    pub fn connect(&self) -> (TcpStream, TcpStream) {
        let client = self.client();
        let (server, _) = self.server.accept().unwrap();
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        server.set_write_timeout(Some(PATIENCE)).unwrap();
        (client, server)
    }

    pub fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.set_write_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// Applies a fault as a plan writes it, without its times: `latency:latency=5ms`.
    pub fn apply(&self, id: &str, fault: &str) {
        self.proxies.apply("p", applied(id, fault, 7)).unwrap();
    }

    pub fn lift(&self, id: &str) -> std::collections::BTreeMap<&'static str, u64> {
        self.proxies.lift("p", id).unwrap()
    }

    pub fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap().clone()
    }

    pub fn links(&self) -> usize {
        self.proxies.list()[0].links
    }
}

/// The next test finds nothing of this one.
impl Drop for Bench {
    fn drop(&mut self) {
        self.proxies.clone().end();
    }
}

pub fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub fn toxic(fault: &str) -> Toxic {
    let fault = spec::parse(&format!("{fault}@1s")).unwrap();
    match fault.action {
        mcp_chaos::action::Action::Network(toxic) => toxic,
        other => panic!("{other:?} is no fault of the network"),
    }
}

pub fn applied(id: &str, fault: &str, seed: u64) -> Applied {
    let toxic = toxic(fault);
    Applied {
        id: id.to_owned(),
        toxicity: toxic.toxicity,
        what: What::Toxic(toxic),
        seed,
        ramp: Duration::ZERO,
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Dice of the tests.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 += 1;
        mcp_chaos::dice::throw(self.0, 1, 2)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_ne_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// Sends bytes in random cuts, and then the end.
pub fn send(mut to: &TcpStream, bytes: &[u8], seed: u64, most: u64) {
    let mut dice = Dice(seed);
    let mut left = bytes;
    while !left.is_empty() {
        let len = (1 + dice.below(most)).min(left.len() as u64) as usize;
        to.write_all(&left[..len]).unwrap();
        left = &left[len..];
    }
    to.shutdown(Shutdown::Write).unwrap();
}

/// Reads to the end, in random cuts.
pub fn receive(mut from: &TcpStream, seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    let mut all = Vec::new();
    let mut space = vec![0; 100_000];
    loop {
        let most = 1 + dice.below(space.len() as u64) as usize;
        match from.read(&mut space[..most]).unwrap() {
            0 => return all,
            n => all.extend_from_slice(&space[..n]),
        }
    }
}

/// So many connections at a time, on each of which both sides send so many bytes, in cuts of at most `most`, and their
/// end; all must arrive.
pub fn exchange(bench: &Bench, connections: u64, len: usize, most: u64) {
    std::thread::scope(|scope| {
        for n in 0..connections {
            let (client, server) = bench.connect();
            scope.spawn(move || talk(&client, &server, n, len, most));
        }
    });
}

/// Both sides send so many bytes and their end, and all of it must arrive.
pub fn talk(client: &TcpStream, server: &TcpStream, seed: u64, len: usize, most: u64) {
    let up = Dice(seed * 100).bytes(len);
    let down = Dice(seed * 100 + 50).bytes(len / 2 + 1);
    std::thread::scope(|scope| {
        scope.spawn(|| send(client, &up, seed, most));
        scope.spawn(|| send(server, &down, seed + 1, most));
        let received = scope.spawn(|| receive(server, seed + 2));
        assert!(receive(client, seed + 3) == down, "downstream of {seed}");
        assert!(received.join().unwrap() == up, "upstream of {seed}");
    });
}
