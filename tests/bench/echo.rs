//! A raw MCP server for benchmarks: WebSocket only, one thread, and a `ping` answered by copying its id, so that the
//! generator under test is the one that is full.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

/// What one read(2) takes at most.
const READ_BYTES: usize = 256 * 1024;
/// Fits the connections that a process may have here.
const BACKLOG: i32 = 4_096;
const PREFIX: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const PING: &[u8] = br#","method":"ping""#;
const LISTENER: u64 = u64::MAX;

/// A server that listens and does not serve yet.
pub struct Echo {
    listener: TcpListener,
    links: Vec<Option<Link>>,
    free: Vec<usize>,
    epoll: OwnedFd,
}

/// A connection, and what came of a frame or a head whose end has not come.
struct Link {
    socket: TcpStream,
    upgraded: bool,
    rest: Vec<u8>,
}

/// Starts one on a thread of its own that stays on `cpu`, and gives its authority (host:port).
///
/// # Errors
/// Where there is no port to be had.
pub fn start(cpu: usize) -> Result<String> {
    let echo = Echo::listen("127.0.0.1:0")?;
    let authority = echo.authority()?;
    std::thread::spawn(move || crate::pinned::on(cpu, move || echo.serve()));
    Ok(authority)
}

impl Echo {
    /// Listens on an address.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn listen(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address)?;
        // The standard library asks for 128, which a storm of connections overflows.
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        Ok(Self {
            listener,
            links: Vec::new(),
            free: Vec::new(),
            epoll,
        })
    }

    /// Where it listens: host:port.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn authority(&self) -> Result<String> {
        Ok(self.listener.local_addr()?.to_string())
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// Where epoll fails.
    pub fn serve(mut self) -> Result<()> {
        let mut space = [MaybeUninit::uninit(); 256];
        let (mut input, mut out) = (vec![0; READ_BYTES], Vec::with_capacity(READ_BYTES));
        loop {
            let events = match epoll::wait(&self.epoll, &mut space, None) {
                Ok((events, _)) => events,
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(e.into()),
            };
            for event in events {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    n => {
                        let n = n as usize;
                        // A child that has not yet become another program holds the socket of a link that is gone.
                        let Some(link) = self.links[n].as_mut() else {
                            continue;
                        };
                        if link.take(&mut input, &mut out).is_err() {
                            // Closing takes it out of epoll; the number is used again only after this round's events.
                            self.links[n] = None;
                            self.free.push(n);
                        }
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        while let Ok((socket, _)) = self.listener.accept() {
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            let n = self.free.pop().unwrap_or_else(|| {
                self.links.push(None);
                self.links.len() - 1
            });
            epoll::add(
                &self.epoll,
                &socket,
                EventData::new_u64(n as u64),
                EventFlags::IN,
            )?;
            self.links[n] = Some(Link {
                socket,
                upgraded: false,
                rest: Vec::new(),
            });
        }
        Ok(())
    }
}

impl Link {
    /// Reads once and answers all that is whole; an error is the end of the connection.
    fn take(&mut self, input: &mut [u8], out: &mut Vec<u8>) -> Result<()> {
        let kept = self.rest.len();
        let n = match self.socket.read(&mut input[kept..]) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            read => read?,
        };
        ensure!(n > 0, "the client hung up");
        input[..kept].copy_from_slice(&self.rest);
        out.clear();
        let mut left = &mut input[..kept + n];
        let mut upgraded = self.upgraded;
        if !upgraded && let Some(end) = left.windows(4).position(|w| w == b"\r\n\r\n") {
            let (head, behind) = left.split_at_mut(end + 4);
            upgrade(&String::from_utf8_lossy(head), out)?;
            (upgraded, left) = (true, behind);
        }
        while let Some((start, end)) = frame(left).filter(|_| upgraded) {
            let (frame, behind) = left.split_at_mut(end);
            ensure!(frame[0] == 0x81, "no whole text: the client says goodbye");
            let (head, payload) = frame.split_at_mut(start);
            let mask: [u8; 4] = head[start - 4..].try_into()?;
            answer(payload, mask, out)?;
            left = behind;
        }
        self.upgraded = upgraded;
        ensure!(left.len() < READ_BYTES / 2, "a frame that is too long");
        self.rest.clear();
        self.rest.extend_from_slice(left);
        self.send(out)
    }

    /// Writes all of it. A client that does not read holds all others up; the one under test reads.
    fn send(&mut self, mut out: &[u8]) -> Result<()> {
        while !out.is_empty() {
            match self.socket.write(out) {
                Ok(n) => out = &out[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None)?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

/// Where the payload of a masked frame begins and where it ends, once all of it is there.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length): (usize, usize) = match bytes.get(1)? & 0x7f {
        126 => (
            8,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => (
            14,
            usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?,
        ),
        short => (6, usize::from(short)),
    };
    let end = start.checked_add(length)?;
    (end <= bytes.len()).then_some((start, end))
}

fn upgrade(head: &str, out: &mut Vec<u8>) -> Result<()> {
    let value = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let mut sha1 = sha1_smol::Sha1::from(value("sec-websocket-key").context("no key")?);
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = base64::engine::general_purpose::STANDARD.encode(sha1.digest().bytes());
    write!(
        out,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n"
    )?;
    if let Some(offered) = value("sec-websocket-protocol") {
        write!(out, "Sec-WebSocket-Protocol: {offered}\r\n")?;
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Answers a message: a ping as mcp-gen writes it by its bytes, all else by its JSON.
fn answer(payload: &mut [u8], mask: [u8; 4], out: &mut Vec<u8>) -> Result<()> {
    for (byte, mask) in payload.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
    if let Some(rest) = payload.strip_prefix(PREFIX) {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if rest[digits..].starts_with(PING) {
            let length = PREFIX.len() + digits + br#","result":{}}"#.len();
            out.extend_from_slice(&[0x81, length as u8]);
            out.extend_from_slice(PREFIX);
            out.extend_from_slice(&rest[..digits]);
            out.extend_from_slice(br#","result":{}}"#);
            return Ok(());
        }
    }
    let request: Value = serde_json::from_slice(payload)?;
    if request["id"].is_null() {
        return Ok(());
    }
    let result = match request["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {},
            "serverInfo": {"name": "raw", "version": "1"},
        }),
        _ => json!({}),
    };
    let text = json!({"jsonrpc": "2.0", "id": request["id"], "result": result}).to_string();
    out.push(0x81);
    match u8::try_from(text.len()) {
        Ok(short @ 0..126) => out.push(short),
        _ => {
            out.push(126);
            out.extend_from_slice(&(text.len() as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
