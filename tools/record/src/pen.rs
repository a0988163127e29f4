//! The pen: the one thread that writes stdout. Everybody else hands their records to it.

use crate::clock;
use crate::envelope::Identity;
use crate::kind::{Body, End};
use crate::queue::Queue;
use crate::watch;
use rustix::event::PollFlags;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What waits for the pen: enough for some seconds of intervals, and bounded whatever comes.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;
/// A record of ours is counted as this much in the queue; an interval with its two histograms has about as many.
const RECORD_BYTES: usize = 2 * 1024;
/// As much is a call's record, with what its strings take: after a stall of a second, ten thousand come at once.
const CALL_BYTES: usize = 512;
/// So much is gathered at most before write(2).
const WRITE_BYTES: usize = 256 * 1024;
/// Records held back while a foreign over-long line goes through.
const MAX_HELD: usize = 1_024;

enum Item {
    Own(Body),
    /// Lines from upstream, byte for byte. `ends` is false for a part of an over-long line that goes on.
    Raw {
        bytes: Vec<u8>,
        lines: u64,
        ends: bool,
    },
    End(End),
}

/// A handle to the pen; clones write to the same stdout.
#[derive(Clone)]
pub struct Pen(Arc<Shared>);

struct Shared {
    queue: Queue<Item>,
    identity: Identity,
    gone: AtomicBool,
    dropped: AtomicU64,
    failure: Mutex<Option<io::Error>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    on_gone: Box<dyn Fn() + Send + Sync>,
}

impl Pen {
    /// Starts the pen on stdout. `on_gone` is called once, from a thread of the pen, when nobody reads any more: the
    /// tool should wind down and exit 0. It is noticed while idle too, where stdout is a pipe or a socket.
    #[must_use]
    pub fn open(identity: Identity, on_gone: impl Fn() + Send + Sync + 'static) -> Self {
        Self::on(Box::new(RawStdout), identity, on_gone).watched()
    }

    /// A pen on another sink, for tests.
    pub fn on(
        sink: Box<dyn Write + Send>,
        identity: Identity,
        on_gone: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            queue: Queue::new(QUEUE_BYTES),
            identity,
            gone: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            failure: Mutex::new(None),
            thread: Mutex::new(None),
            on_gone: Box::new(on_gone),
        });
        let writer = Arc::clone(&shared);
        let thread = std::thread::spawn(move || Writing::new(&writer, sink).run());
        *shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Self(shared)
    }

    fn watched(self) -> Self {
        if watch::is_pipe(rustix::stdio::stdout()) {
            let shared = Arc::clone(&self.0);
            std::thread::spawn(move || {
                watch::until_reader_leaves(rustix::stdio::stdout());
                shared.reader_left();
            });
        }
        self
    }

    /// The run and instance that its records carry.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Writes a record; waits while the queue is full.
    pub fn write(&self, body: impl Into<Body>) {
        let body = body.into();
        let weight = weight(&body);
        self.0.queue.push(Item::Own(body), weight);
    }

    /// Writes a record if there is room for it now: for those that must never wait.
    ///
    /// # Errors
    /// Gives the record back where the reader is too slow. Who drops it then says so with [`Self::count_dropped`].
    pub fn offer(&self, body: impl Into<Body>) -> Result<(), Body> {
        let body = body.into();
        let weight = weight(&body);
        self.0
            .queue
            .offer(Item::Own(body), weight)
            .map_err(|item| match item {
                Item::Own(body) => body,
                Item::Raw { .. } | Item::End(_) => {
                    unreachable!("offer() was given a record of our own")
                }
            })
    }

    /// Passes on lines from upstream, byte for byte; waits while the queue is full. With `ends` false, the last line
    /// goes on in the next call, and records of our own wait until it has ended.
    pub fn forward(&self, bytes: Vec<u8>, lines: u64, ends: bool) {
        let size = bytes.len();
        self.0.queue.push(Item::Raw { bytes, lines, ends }, size);
    }

    /// Counts records that were dropped since the reader was too slow; `end` tells.
    pub fn count_dropped(&self, n: u64) {
        self.0.dropped.fetch_add(n, Relaxed);
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.gone.load(Relaxed)
    }

    /// Writes `end`, waits until all is written, and ends the pen. Counts are filled in here.
    ///
    /// # Errors
    /// What write(2) said, where it failed for another reason than a reader that left (a full disk, say).
    pub fn close(&self, why: &str, exit: u8) -> io::Result<()> {
        let end = End {
            why: why.to_owned(),
            exit,
            ..End::default()
        };
        self.0.queue.push(Item::End(end), RECORD_BYTES);
        self.0.queue.close();
        let thread = self
            .0
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        match self
            .0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(e) => Err(e),
            None => Ok(()),
        }
    }
}

/// What a record counts for in the queue.
fn weight(body: &Body) -> usize {
    match body {
        Body::Call(_) => CALL_BYTES,
        _ => RECORD_BYTES,
    }
}

impl Shared {
    fn reader_left(&self) {
        if !self.gone.swap(true, Relaxed) {
            (self.on_gone)();
        }
    }
}

/// The pen's own thread.
struct Writing<'a> {
    shared: &'a Shared,
    sink: Box<dyn Write + Send>,
    buf: Vec<u8>,
    seq: u64,
    forwarded: u64,
    /// The last byte written was no line end.
    mid_line: bool,
    /// An over-long line is going through: nothing may go in between.
    within_part: bool,
    held: Vec<Body>,
}

impl<'a> Writing<'a> {
    fn new(shared: &'a Shared, sink: Box<dyn Write + Send>) -> Self {
        Self {
            shared,
            sink,
            buf: Vec::with_capacity(WRITE_BYTES),
            seq: 0,
            forwarded: 0,
            mid_line: false,
            within_part: false,
            held: Vec::new(),
        }
    }

    fn run(mut self) {
        while let Some(items) = self.shared.queue.take_all() {
            for item in items {
                match item {
                    Item::Own(body) if !self.within_part => self.own(&body),
                    Item::Own(body) if self.held.len() < MAX_HELD => self.held.push(body),
                    Item::Own(_) => {
                        self.shared.dropped.fetch_add(1, Relaxed);
                    }
                    Item::Raw { bytes, lines, ends } => self.raw(&bytes, lines, ends),
                    Item::End(end) => self.end(end),
                }
                if self.buf.len() >= WRITE_BYTES {
                    self.flush();
                }
            }
            // Nothing more is waiting: a person or a tool behind us wants to see what there is.
            self.flush();
        }
    }

    fn own(&mut self, body: &Body) {
        if self.mid_line {
            // The last line of the input had no end; its bytes stay as they are, the separator is ours.
            self.buf.push(b'\n');
            self.mid_line = false;
        }
        self.shared
            .identity
            .encode(self.seq, clock::unix_us(), body, &mut self.buf);
        self.seq += 1;
    }

    fn raw(&mut self, bytes: &[u8], lines: u64, ends: bool) {
        if let Some(last) = bytes.last() {
            self.buf.extend_from_slice(bytes);
            self.mid_line = *last != b'\n';
        }
        self.forwarded += lines;
        self.within_part = !ends;
        if ends {
            for body in std::mem::take(&mut self.held) {
                self.own(&body);
            }
        }
    }

    fn end(&mut self, end: End) {
        for body in std::mem::take(&mut self.held) {
            self.own(&body);
        }
        let dropped = self.shared.dropped.load(Relaxed);
        self.own(
            &End {
                written: self.seq + 1,
                forwarded: self.forwarded,
                dropped,
                ..end
            }
            .into(),
        );
    }

    fn flush(&mut self) {
        if !self.shared.gone.load(Relaxed)
            && let Err(e) = self
                .sink
                .write_all(&self.buf)
                .and_then(|()| self.sink.flush())
        {
            if e.kind() != io::ErrorKind::BrokenPipe {
                let mut failure = self
                    .shared
                    .failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(e);
            }
            self.shared.reader_left();
        }
        self.buf.clear();
    }
}

/// fd 1 without the standard library's line buffer, which would write each record by itself.
struct RawStdout;

impl Write for RawStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stdout = rustix::stdio::stdout();
        watch::patiently(stdout, PollFlags::OUT, || rustix::io::write(stdout, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
