//! The floor: a WebSocket client of raw sockets that sends one message again and again, and only counts what comes.

use crate::load::body;
use anyhow::{Context as _, Result, ensure};
use record::clock::mono_ns;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{ClockId, clock_gettime};
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::time::Duration;

/// A connection, and the begin of an answer whose end has not come.
struct Link {
    socket: TcpStream,
    rest: Vec<u8>,
}

/// CPU microseconds of this thread per call, and calls per second, with `in_flight` calls on each of `clients`
/// connections to `authority` (host:port).
pub fn run(
    authority: &str,
    span: Duration,
    clients: usize,
    in_flight: usize,
) -> Result<(f64, f64)> {
    let cpu_before_us = thread_cpu_us();
    let frame = frame(&body());
    let batch = frame.repeat(in_flight);
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut links = Vec::new();
    for i in 0..clients {
        let socket = open(authority)?;
        epoll::add(
            &epoll,
            &socket,
            EventData::new_u64(i as u64),
            EventFlags::IN,
        )?;
        links.push(Link {
            socket,
            rest: Vec::new(),
        });
    }
    let end_ns = mono_ns() + span.as_nanos() as u64;
    for link in &mut links {
        link.socket.write_all(&batch)?;
    }
    let mut calls = 0;
    let mut space = [MaybeUninit::uninit(); 256];
    let mut buf = vec![0; 256 * 1024];
    while mono_ns() < end_ns {
        let (events, _) = epoll::wait(&epoll, &mut space, None)?;
        for event in events {
            let link = &mut links[event.data.u64() as usize];
            let answers = link.take(&mut buf)?;
            // The socket has room for a window of these; where it has not, the figure would mean nothing.
            link.socket.write_all(&batch[..answers * frame.len()])?;
            calls += answers;
        }
    }
    ensure!(calls > 0, "the server answered nothing");
    let calls = calls as f64;
    let cpu_us = thread_cpu_us() - cpu_before_us;
    Ok((cpu_us / calls, calls / span.as_secs_f64()))
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
fn open(authority: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(authority)?;
    socket.set_nodelay(true)?;
    let upgrade = format!(
        "GET /mcp HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(upgrade.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "no upgrade");
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"lean","version":"1"}}}"#;
    socket.write_all(&frame(initialize))?;
    let mut answer = Vec::new();
    while frame_bytes(&answer).is_none_or(|bytes| bytes > answer.len()) {
        let mut some = [0; 4096];
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
