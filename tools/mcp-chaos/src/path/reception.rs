//! Where both ends of a conversation over stdin and stdout come in: `relay-stdio` connects once for the client and once
//! for the server, and the two that belong together become one connection of the proxy.

use crate::proxy::Proxies;
use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A first line is no longer: the tool's name, a token, a role and a number.
const MAX_LINE_BYTES: usize = 256;
/// Who has not said who it is by then is nobody of ours.
const SAY_WITHIN: Duration = Duration::from_secs(10);
/// So long one end waits for the other.
const MEET_WITHIN: Duration = Duration::from_secs(30);
/// As many may wait at once; a storm of clients brings many.
const MAX_WAITING: usize = 4_096;

/// A port that is open to those who know a token.
#[derive(Clone)]
pub struct Reception {
    at: SocketAddr,
    /// The target that each token stands for.
    tokens: Arc<Mutex<HashMap<String, String>>>,
}

/// Which end of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

/// One end that waits for the other.
struct Waiting {
    role: Role,
    stream: TcpStream,
    since: Instant,
}

/// Those who wait, by token and number.
type Waitings = Arc<Mutex<HashMap<(String, u64), Waiting>>>;

impl Reception {
    /// Opens it on loopback.
    ///
    /// # Errors
    /// There are no more files or threads.
    pub fn open(proxies: Proxies) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let reception = Self {
            at: listener.local_addr()?,
            tokens: Arc::default(),
        };
        let (tokens, waiting) = (Arc::clone(&reception.tokens), Waitings::default());
        // It ends with the process: nobody knows a token after that.
        std::thread::Builder::new()
            .name("reception".to_owned())
            .spawn(move || {
                for stream in listener.incoming() {
                    let Ok(stream) = stream else {
                        // No more files: those that wait may be gone in a moment.
                        std::thread::sleep(Duration::from_millis(50));
                        continue;
                    };
                    let (proxies, tokens) = (proxies.clone(), Arc::clone(&tokens));
                    let waiting = Arc::clone(&waiting);
                    // A thread for each, since anybody may connect and say nothing.
                    let _ = std::thread::Builder::new()
                        .stack_size(64 * 1024)
                        .spawn(move || receive(stream, &proxies, &tokens, &waiting));
                }
            })?;
        Ok(reception)
    }

    /// Where it is.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// The token by which both ends of a target's conversations are known.
    #[must_use]
    pub fn token(&self, name: &str) -> String {
        let token = format!("{:016x}{:016x}", record::random(), record::random());
        let mut tokens = lock(&self.tokens);
        if let Some((known, _)) = tokens.iter().find(|(_, of)| *of == name) {
            return known.clone();
        }
        tokens.insert(token.clone(), name.to_owned());
        token
    }
}

/// Lets one end in, and joins it to the other where that is there already.
fn receive(
    mut stream: TcpStream,
    proxies: &Proxies,
    tokens: &Mutex<HashMap<String, String>>,
    waiting: &Mutex<HashMap<(String, u64), Waiting>>,
) {
    let Some((token, role, number)) = first_line(&mut stream).and_then(|line| parse(&line)) else {
        return;
    };
    let Some(name) = lock(tokens).get(&token).cloned() else {
        return;
    };
    let mut waiting = lock(waiting);
    waiting.retain(|_, other| other.since.elapsed() < MEET_WITHIN);
    match waiting.remove(&(token.clone(), number)) {
        Some(other) if other.role != role => {
            drop(waiting);
            let (client, server) = match role {
                Role::Client => (stream, other.stream),
                Role::Server => (other.stream, stream),
            };
            // Where the proxy has ended meanwhile, both ends see their connection end.
            let _ = proxies.join(&name, client.into(), server.into());
        }
        _ if waiting.len() < MAX_WAITING => {
            let since = Instant::now();
            let entry = Waiting {
                role,
                stream,
                since,
            };
            waiting.insert((token, number), entry);
        }
        _ => {}
    }
}

/// The first line, and not a byte of what follows.
fn first_line(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(SAY_WITHIN)).ok()?;
    stream.set_nodelay(true).ok()?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < MAX_LINE_BYTES {
        stream.read_exact(&mut byte).ok()?;
        if byte[0] == b'\n' {
            stream.set_nonblocking(true).ok()?;
            return String::from_utf8(line).ok();
        }
        line.push(byte[0]);
    }
    None
}

fn parse(line: &str) -> Option<(String, Role, u64)> {
    let mut words = line.split(' ');
    let (Some("mcp-chaos"), Some(token), role, number, None) = (
        words.next(),
        words.next(),
        words.next()?,
        words.next()?,
        words.next(),
    ) else {
        return None;
    };
    let role = match role {
        "client" => Role::Client,
        "server" => Role::Server,
        _ => return None,
    };
    Some((token.to_owned(), role, number.parse().ok()?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Open;
    use std::io::Write;

    fn proxies() -> Proxies {
        let proxies = Proxies::start(|_| {}).unwrap();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let open = Open {
            name: "child".to_owned(),
            listen,
            upstream: listen,
            split: None,
        };
        proxies.open(open).unwrap();
        proxies
    }

    fn end(reception: &Reception, line: &str) -> TcpStream {
        let mut stream = TcpStream::connect(reception.at()).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        stream
    }

    #[test]
    fn the_two_ends_with_one_number_speak_to_each_other_whoever_comes_first() {
        let reception = Reception::open(proxies()).unwrap();
        let token = reception.token("child");
        assert_eq!(token, reception.token("child"));
        let line = |role: &str, n: u64| format!("mcp-chaos {token} {role} {n}\n");
        // What follows the first line at once is part of the conversation.
        let one = end(&reception, &(line("client", 1) + "question 1\n"));
        let two_server = end(&reception, &(line("server", 2) + "answer 2\n"));
        let two = end(&reception, &(line("client", 2) + "question 2\n"));
        let one_server = end(&reception, &(line("server", 1) + "answer 1\n"));
        for (mut stream, heard) in [
            (one, "answer 1\n"),
            (two, "answer 2\n"),
            (one_server, "question 1\n"),
            (two_server, "question 2\n"),
        ] {
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            let mut bytes = vec![0; heard.len()];
            stream.read_exact(&mut bytes).unwrap();
            assert_eq!(String::from_utf8_lossy(&bytes), heard);
        }
    }

    #[test]
    fn whoever_does_not_know_the_token_is_shown_out() {
        let reception = Reception::open(proxies()).unwrap();
        let _ = reception.token("child");
        for line in [
            "mcp-chaos wrong client 1\n".to_owned(),
            "GET / HTTP/1.1\n".to_owned(),
            "x".repeat(1_000),
        ] {
            let mut stream = end(&reception, &line);
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            // An end, or a reset where something was left unread.
            assert!(!matches!(stream.read(&mut [0]), Ok(1..)), "{line}");
        }
    }
}
