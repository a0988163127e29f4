//! The listener: takes connections on threads of its own, one request each, a few at a time.

use crate::answer::Answer;
use crate::limits::Limits;
use crate::request::{self, Fault, Request};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How much of a body that nobody asked for is read, so that the answer before it is not lost in a reset.
const MAX_REST_BYTES: usize = 64 * 1024;

/// Answers requests on threads called `name`, until the process ends. `sent` is told of each answer once it is out, whether
/// or not somebody has taken it.
///
/// # Errors
/// The kernel refused a thread.
pub fn serve(
    listener: TcpListener,
    name: &'static str,
    limits: Limits,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    sent: impl Fn(&Answer) + Send + Sync + 'static,
) -> io::Result<()> {
    let desk = Arc::new((answer, sent));
    let open = Arc::new(AtomicUsize::new(0));
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Threads inherit it. Refused, it would only be less polite.
            // SAFETY: setpriority(2) takes no pointers; 0 is the calling thread.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, limits.nice) };
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // Out of file descriptors: it would fail again at once, and take a CPU for it.
                    thread::sleep(Duration::from_millis(100));
                    continue;
                };
                if open.fetch_add(1, Relaxed) >= limits.connections {
                    open.fetch_sub(1, Relaxed);
                    continue;
                }
                let (desk, ours) = (Arc::clone(&desk), Arc::clone(&open));
                let thread = thread::Builder::new().name(format!("{name}-answer"));
                let started = thread.spawn(move || {
                    attend(stream, &limits, &desk.0, &desk.1);
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
fn attend(
    mut stream: TcpStream,
    limits: &Limits,
    answer: &impl Fn(&Request) -> Answer,
    sent: &impl Fn(&Answer),
) {
    let answer = match request::read(&mut stream, Instant::now() + limits.patience, limits) {
        Ok(request) => answer(&request),
        Err(Fault::Bad(status, text)) => Answer::says(status, &text),
        Err(Fault::Gone) => return,
    };
    let until = Instant::now() + limits.patience;
    let was_sent = send(&mut stream, &answer.to_wire(), until);
    sent(&answer);
    if was_sent.is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        read_rest(&mut stream, until);
    }
}

fn send(stream: &mut TcpStream, text: &str, until: Instant) -> io::Result<()> {
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
