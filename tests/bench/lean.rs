//! The floor: a WebSocket client of raw sockets that sends one message again and again, and only counts what comes.

use anyhow::{Context as _, Result, ensure};
use record::clock::mono_ns;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::time::{ClockId, clock_gettime};
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

/// So many connections share a source address, as mcp-gen does it.
const PER_ADDRESS: usize = 8_000;

/// A connection, and the begin of an answer whose end has not come.
struct Link {
    socket: TcpStream,
    rest: Vec<u8>,
}

/// Connections of the floor.
pub struct Lean {
    epoll: OwnedFd,
    links: Vec<Link>,
    /// CPU microseconds of this thread that opening one took.
    pub connect_us: f64,
}

impl Lean {
    /// Opens so many connections to `authority` (host:port), one after the other, from source addresses in turn so
    /// that ports are found at once.
    ///
    /// # Errors
    /// Where the server does not take one.
    pub fn open(authority: &str, connections: usize) -> Result<Self> {
        let before_us = thread_cpu_us();
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut links = Vec::new();
        for i in 0..connections {
            let socket = open(authority, i / PER_ADDRESS)?;
            let data = EventData::new_u64(i as u64);
            epoll::add(&epoll, &socket, data, EventFlags::IN)?;
            links.push(Link {
                socket,
                rest: Vec::new(),
            });
        }
        Ok(Self {
            epoll,
            links,
            connect_us: (thread_cpu_us() - before_us) / connections as f64,
        })
    }

    /// CPU microseconds of this thread per call, and calls per second, with `in_flight` calls of `text` on each.
    ///
    /// # Errors
    /// Where the server answers nothing, or hangs up.
    pub fn run(mut self, text: &str, span: Duration, in_flight: usize) -> Result<(f64, f64)> {
        let frame = frame(text);
        let batch = frame.repeat(in_flight);
        let before_us = thread_cpu_us();
        let end_ns = mono_ns() + span.as_nanos() as u64;
        for link in &mut self.links {
            link.socket.write_all(&batch)?;
        }
        let mut calls = 0;
        let mut space = [MaybeUninit::uninit(); 256];
        let mut buf = vec![0; 256 * 1024];
        while mono_ns() < end_ns {
            let (events, _) = epoll::wait(&self.epoll, &mut space, None)?;
            for event in events {
                let link = &mut self.links[event.data.u64() as usize];
                let answers = link.take(&mut buf)?;
                // The socket has room for a window of these; where it has not, the figure would mean nothing.
                link.socket.write_all(&batch[..answers * frame.len()])?;
                calls += answers;
            }
        }
        ensure!(calls > 0, "the server answered nothing");
        let calls = calls as f64;
        let cpu_us = thread_cpu_us() - before_us;
        Ok((cpu_us / calls, calls / span.as_secs_f64()))
    }
}

impl Link {
    /// Reads once, and counts the answers that are complete.
    fn take(&mut self, buf: &mut [u8]) -> Result<usize> {
        let n = self.socket.read(buf)?;
        ensure!(n > 0, "the server hung up");
        let mut joined = std::mem::take(&mut self.rest);
        let mut left = if joined.is_empty() {
            &buf[..n]
        } else {
            joined.extend_from_slice(&buf[..n]);
            &joined[..]
        };
        let mut answers = 0;
        while let Some(bytes) = frame_bytes(left).filter(|bytes| *bytes <= left.len()) {
            left = &left[bytes..];
            answers += 1;
        }
        self.rest = left.to_vec();
        Ok(answers)
    }
}

/// Connects, upgrades, initializes; nothing of it is checked beyond what a wrong server would stumble over.
fn open(authority: &str, address: usize) -> Result<TcpStream> {
    let to: SocketAddr = authority.parse()?;
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    let mut socket = TcpStream::from(socket);
    if address > 0 {
        let from = SocketAddr::from(([127, 0, address as u8, 1], 0));
        let on: libc::c_int = 1;
        // SAFETY: the kernel reads one int, which outlives the call.
        let status = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_IP,
                libc::IP_BIND_ADDRESS_NO_PORT,
                (&raw const on).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        ensure!(status == 0, "{}", std::io::Error::last_os_error());
        rustix::net::bind(&socket, &from)?;
    }
    rustix::net::connect(&socket, &to)?;
    socket.set_nodelay(true)?;
    let upgrade = format!(
        "GET /mcp HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(upgrade.as_bytes())?;
    let mut some = [0; 4096];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let n = socket.read(&mut some)?;
        ensure!(n > 0, "the server hung up");
        head.extend_from_slice(&some[..n]);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "no upgrade");
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"lean","version":"1"}}}"#;
    socket.write_all(&frame(initialize))?;
    let mut answer = Vec::new();
    while frame_bytes(&answer).is_none_or(|bytes| bytes > answer.len()) {
        let n = socket.read(&mut some)?;
        ensure!(n > 0, "the server hung up");
        answer.extend_from_slice(&some[..n]);
    }
    let text = String::from_utf8_lossy(&answer);
    text.contains("serverInfo")
        .then_some(())
        .context("no answer to initialize")?;
    socket.write_all(&frame(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    ))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A text frame, masked with zeros: RFC 6455 wants a mask and does not say which.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        n @ 0..126 => frame.push(0x80 | n as u8),
        n => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(n as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The length of the frame that begins here, where so much of it is there.
fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? & 0x7f {
        126 => Some(4 + usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        n => Some(2 + usize::from(n)),
    }
}

fn thread_cpu_us() -> f64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as f64 * 1e6 + t.tv_nsec as f64 / 1e3
}
