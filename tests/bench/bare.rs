//! Bare relays, to hold the proxy of mcp-chaos against: the least that passes bytes on, and nothing else.

use anyhow::{Context as _, Result, bail};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::io::{ErrorKind, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

/// What a pipe of the proxy holds, too.
const PIPE_BYTES: usize = 1 << 20;
const READ_BYTES: usize = 64 * 1024;
const LISTENER: u64 = u64::MAX;

/// Relays to `upstream` until it is killed, by reading and writing (`copy`) or by splice(2) (`splice`), and says first
/// where it listens.
///
/// # Errors
/// Where the system refuses something.
pub fn serve(how: &str, upstream: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    match how {
        "copy" => copy(&listener, upstream),
        "splice" => splice_all(&listener, upstream),
        other => bail!("no relay is called {other:?}"),
    }
}

/// Level-triggered epoll, one read and one write for each message.
fn copy(listener: &TcpListener, upstream: &str) -> Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let data = EventData::new_u64(LISTENER);
    epoll::add(&epoll, listener, data, EventFlags::IN)?;
    // Two places for each connection, next to each other: what is read from one is written to the other.
    let mut ends: Vec<Option<TcpStream>> = Vec::new();
    let mut buf = vec![0; READ_BYTES];
    let mut space = [MaybeUninit::uninit(); 256];
    loop {
        let events = match epoll::wait(&epoll, &mut space, None) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        };
        for event in events {
            let place = event.data.u64();
            if place == LISTENER {
                for end in [listener.accept()?.0, TcpStream::connect(upstream)?] {
                    end.set_nodelay(true)?;
                    let data = EventData::new_u64(ends.len() as u64);
                    epoll::add(&epoll, &end, data, EventFlags::IN)?;
                    ends.push(Some(end));
                }
                continue;
            }
            let (from, to) = (place as usize, place as usize ^ 1);
            let got = match &mut ends[from] {
                Some(end) => end.read(&mut buf),
                None => continue,
            };
            let is_over = match (got, &mut ends[to]) {
                // Messages that are waited for never fill a socket.
                (Ok(n @ 1..), Some(end)) => end.write_all(&buf[..n]).is_err(),
                _ => true,
            };
            if is_over {
                (ends[from], ends[to]) = (None, None);
            }
        }
    }
}

/// One connection after the other, from the server to the client, blocking.
fn splice_all(listener: &TcpListener, upstream: &str) -> Result<()> {
    loop {
        let (client, _) = listener.accept()?;
        let server = TcpStream::connect(upstream)?;
        let (out, into) = pipe_with(PipeFlags::CLOEXEC)?;
        let _ = fcntl_setpipe_size(&into, PIPE_BYTES);
        loop {
            let n = match moved(&server, &into, PIPE_BYTES) {
                Ok(0) | Err(_) => break,
                Ok(n) => n,
            };
            let mut left = n;
            while left > 0 {
                match moved(&out, &client, left) {
                    Ok(n) => left -= n,
                    Err(_) => break,
                }
            }
            if left > 0 {
                break;
            }
        }
    }
}

fn moved(
    from: &impl std::os::fd::AsFd,
    to: &impl std::os::fd::AsFd,
    len: usize,
) -> Result<usize, Errno> {
    splice(from, None, to, None, len, SpliceFlags::MOVE)
}

/// Sends to each that connects, one after the other, as much as it takes, without touching the bytes.
///
/// # Errors
/// Where it cannot listen.
pub fn start_source(cpu: usize) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let authority = listener.local_addr()?.to_string();
    let file = memory()?;
    std::thread::spawn(move || crate::pinned::on(cpu, move || feed(&listener, &file)));
    Ok(authority)
}

fn feed(listener: &TcpListener, file: &OwnedFd) -> Result<()> {
    loop {
        let (client, _) = listener.accept()?;
        loop {
            let mut from = 0;
            match rustix::fs::sendfile(&client, file, Some(&mut from), 4 << 20) {
                Ok(1..) => {}
                _ => break,
            }
        }
        let _ = shutdown(&client, Shutdown::Both);
    }
}

fn memory() -> Result<OwnedFd> {
    let file = rustix::fs::memfd_create("source", rustix::fs::MemfdFlags::CLOEXEC)?;
    let bytes = vec![b'x'; 4 << 20];
    let mut left = &bytes[..];
    while !left.is_empty() {
        let n = rustix::io::write(&file, left)?;
        left = &left[n..];
    }
    Ok(file)
}

/// Sends back what it reads, for each that connects on a thread of its own.
///
/// # Errors
/// Where it cannot listen.
pub fn start_mirror(cpu: usize) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let authority = listener.local_addr()?.to_string();
    std::thread::spawn(move || {
        crate::pinned::on(cpu, move || -> Result<()> {
            loop {
                let (client, _) = listener.accept()?;
                // It inherits the CPU.
                std::thread::spawn(move || mirror(client));
            }
        })
    });
    Ok(authority)
}

fn mirror(mut client: TcpStream) -> Result<()> {
    client.set_nodelay(true).context("TCP_NODELAY")?;
    let mut buf = vec![0; READ_BYTES];
    loop {
        match client.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(n) => client.write_all(&buf[..n])?,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}
