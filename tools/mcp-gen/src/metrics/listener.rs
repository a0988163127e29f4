//! The listener: takes connections on threads of its own, one request each, a few at a time.

use super::desk::{Answer, Desk};
use super::request::{self, Fault};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// A request has to come, and its answer to be taken, within this time each.
const PATIENCE: Duration = Duration::from_secs(3);
/// More connections at once are closed unanswered.
const MAX_CONNECTIONS: usize = 16;
/// How much of a body that nobody asked for is read, so that the answer before it is not lost in a reset.
const MAX_REST_BYTES: usize = 64 * 1024;
/// The load comes first: these threads get their time when nobody else wants it.
const NICE: libc::c_int = 10;

/// Answers requests until the process ends.
///
/// # Errors
/// The kernel refused a thread.
pub fn serve(listener: TcpListener, desk: Desk) -> io::Result<()> {
    let desk = Arc::new(desk);
    let open = Arc::new(AtomicUsize::new(0));
    thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            // Threads inherit it. Refused, it would only be less polite.
            // SAFETY: setpriority(2) takes no pointers; 0 is the calling thread.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // Out of file descriptors: it would fail again at once, and take a CPU for it.
                    thread::sleep(Duration::from_millis(100));
                    continue;
                };
                if open.fetch_add(1, Relaxed) >= MAX_CONNECTIONS {
                    open.fetch_sub(1, Relaxed);
                    continue;
                }
                let (desk, ours) = (Arc::clone(&desk), Arc::clone(&open));
                let thread = thread::Builder::new().name("metrics-answer".to_owned());
                let started = thread.spawn(move || {
                    attend(stream, &desk);
                    ours.fetch_sub(1, Relaxed);
                });
                if started.is_err() {
                    open.fetch_sub(1, Relaxed);
                }
            }
        })?;
    Ok(())
}

/// Deals with one connection.
fn attend(mut stream: TcpStream, desk: &Desk) {
    let answer = match request::read(&mut stream, Instant::now() + PATIENCE) {
        Ok(request) => desk.answer(&request),
        Err(Fault::Bad(status, text)) => Answer::says(status, text),
        Err(Fault::Gone) => return,
    };
    let until = Instant::now() + PATIENCE;
    // Who asked for the end need not wait for the answer to get it.
    let sent = send(&mut stream, &answer, until);
    if answer.then_stop {
        desk.stop();
    }
    if sent.is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        read_rest(&mut stream, until);
    }
}

fn send(stream: &mut TcpStream, answer: &Answer, until: Instant) -> io::Result<()> {
    let reason = match answer.status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let allow = answer
        .allow
        .map_or_else(String::new, |method| format!("allow: {method}\r\n"));
    let challenge = match answer.status {
        401 => "www-authenticate: Bearer\r\n",
        _ => "",
    };
    let text = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {}\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n{allow}{challenge}\r\n{}",
        answer.status,
        answer.content_type,
        answer.body.len(),
        answer.body
    );
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        // One that takes a byte now and then would otherwise stay for ever.
        stream.set_write_timeout(Some(left(until)?))?;
        match stream.write(rest)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => rest = &rest[n..],
        }
    }
    Ok(())
}

fn read_rest(stream: &mut TcpStream, until: Instant) {
    let mut some = [0; 4 * 1024];
    let mut read = 0;
    while read < MAX_REST_BYTES {
        let timeout = left(until).and_then(|left| stream.set_read_timeout(Some(left)));
        match timeout.and_then(|()| stream.read(&mut some)) {
            Ok(n @ 1..) => read += n,
            _ => return,
        }
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}
