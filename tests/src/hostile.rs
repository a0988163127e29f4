//! A TCP server that is told byte for byte how to misbehave.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A listener on loopback that gives each connection, on a thread of its own, to a function.
pub struct Hostile {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
}

impl Hostile {
    /// Listens; `treat(stream, n)` deals with the n-th connection, from 0.
    ///
    /// # Panics
    /// Where no port is free.
    #[must_use]
    pub fn listen(treat: impl Fn(TcpStream, u64) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (over, accepted) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (done, count, treat) = (Arc::clone(&over), Arc::clone(&accepted), Arc::new(treat));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if done.load(Relaxed) {
                    return;
                }
                let treat = Arc::clone(&treat);
                let n = count.fetch_add(1, Relaxed);
                // A generator that does not read must not keep our threads for ever.
                let _ = stream.set_write_timeout(Some(Duration::from_secs(10)));
                let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                std::thread::spawn(move || treat(stream, n));
            }
        });
        Self {
            address,
            over,
            accepted,
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections came.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Reads a whole HTTP request (by its content-length): its head and its body. `None` at the end.
    pub fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).ok()? == 0 || head.len() > 64 * 1024 {
                return None;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        Some((head, body))
    }

    /// Copies between the client and a real server, letting `change` at each piece that the server says; ends when it
    /// gives `None`.
    pub fn relay(
        client: TcpStream,
        server: &str,
        mut change: impl FnMut(Vec<u8>) -> Option<Vec<u8>>,
    ) {
        let Ok(mut upstream) = TcpStream::connect(server) else {
            return;
        };
        let (Ok(mut asks), Ok(mut asked)) = (client.try_clone(), upstream.try_clone()) else {
            return;
        };
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut asks, &mut asked);
            let _ = asked.shutdown(std::net::Shutdown::Both);
        });
        let mut client = client;
        let mut some = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = upstream.read(&mut some) {
            match change(some[..n].to_vec()) {
                Some(bytes) if client.write_all(&bytes).is_ok() => {}
                _ => break,
            }
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
        let _ = upstream.shutdown(std::net::Shutdown::Both);
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        // Wakes the thread that accepts, so that the port is free again.
        let _ = TcpStream::connect(self.address);
    }
}
