//! Servers that are our own children: each is started for one connection, spoken to over a socket pair, and ends with it.
//!
//! A worker must not wait for a process to start, nor for one to end. So a thread of its own does that for each child; the
//! worker has its end of the pair at once, and writes into it before anybody reads.

use record::kind::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use undo::{Child, CommandSpec, Exit, Undo, ended, last_words};

/// What a server is given to end by itself once its stdin has (MCP, stdio: shutdown).
const LEAVE: Duration = Duration::from_secs(2);
/// And then, after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// More ends of children than this are not told one by one.
const MAX_TOLD: usize = 100;
/// What a thread needs that waits nearly all the time.
const STACK_BYTES: usize = 256 * 1024;

/// Why a child is no more, or never was; empty while it is.
pub type Fate = Arc<Mutex<Option<String>>>;

/// An end that nobody had asked for.
struct Unasked {
    sentence: String,
    /// How, where it ever ran.
    exit: Option<Exit>,
}

impl From<undo::Error> for Unasked {
    fn from(error: undo::Error) -> Self {
        Self {
            sentence: error.to_string(),
            exit: None,
        }
    }
}

/// All children of a run.
pub struct Children {
    run: String,
    from: String,
    tell: Box<dyn Fn(Event) + Send + Sync>,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    /// Opened with the first child: a run without any needs neither journal nor keeper.
    undo: Mutex<Option<Arc<Undo>>>,
    living: Mutex<usize>,
    gone: Condvar,
    told: Mutex<usize>,
}

impl Children {
    /// None yet. `tell` hears of children that end unasked, `note` what the undoing has to say to people.
    pub fn new(
        run: &str,
        from: &str,
        tell: impl Fn(Event) + Send + Sync + 'static,
        note: impl Fn(&str) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            run: run.to_owned(),
            from: from.to_owned(),
            tell: Box::new(tell),
            note: Arc::new(note),
            undo: Mutex::new(None),
            living: Mutex::new(0),
            gone: Condvar::new(),
            told: Mutex::new(0),
        })
    }

    /// Starts a server for the target `name`, and gives our end of its stdin and stdout. It ends when that is closed.
    ///
    /// # Errors
    /// The command line cannot be read, or the kernel refused a socket or a thread. That the command does not start is
    /// seen at the connection, which ends, and told.
    pub fn start(self: &Arc<Self>, name: &str, command: &str) -> io::Result<(UnixStream, Fate)> {
        let argv = undo::words(command).map_err(io::Error::other)?;
        let (ours, theirs) = UnixStream::pair()?;
        let fate = Fate::default();
        let (children, told, name) = (Arc::clone(self), Arc::clone(&fate), name.to_owned());
        let keep = move || {
            let socket = Arc::new(OwnedFd::from(theirs));
            if let Err(end) = children.keep(&name, argv, &socket) {
                children.say(&name, &end);
                *lock(&told) = Some(end.sentence);
            }
            // Only now does the other end see that it is over.
            drop(socket);
            *lock(&children.living) -= 1;
            children.gone.notify_all();
        };
        *lock(&self.living) += 1;
        let thread = std::thread::Builder::new()
            .name("child".into())
            .stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(keep) {
            *lock(&self.living) -= 1;
            return Err(error);
        }
        Ok((ours, fate))
    }

    /// Starts a child and stays with it until its end. An error is an end that nobody had asked for.
    fn keep(&self, name: &str, argv: Vec<String>, socket: &Arc<OwnedFd>) -> Result<(), Unasked> {
        let undo = self.undo()?;
        let mut spec = CommandSpec::new(name, argv);
        spec.stdio = Some(Arc::clone(socket));
        let child = undo.launch(&spec)?;
        drop(spec);
        let unasked = stay(&child, socket);
        let log = child.log_path().to_owned();
        // After the end of its stdin, a server has time to go by itself.
        if unasked.is_none() {
            wait(&child, None, LEAVE);
        }
        child.stop(GRACE)?;
        match unasked {
            Some(exit) => Err(Unasked {
                sentence: format!("{name} {}{}", ended(exit), last_words(&log)),
                exit: Some(exit),
            }),
            None => Ok(()),
        }
    }

    fn say(&self, name: &str, end: &Unasked) {
        let (code, signal) = match end.exit {
            Some(Exit::Code(code)) => (Some(code), None),
            Some(Exit::Signal(signal)) => (None, Some(signal)),
            // It never ran: who wanted to connect to it says so, with this sentence.
            None => return,
        };
        let mut told = lock(&self.told);
        *told += 1;
        if *told <= MAX_TOLD {
            (self.tell)(Event {
                event: "exited".to_owned(),
                target: Some(name.to_owned()),
                code,
                signal,
                text: Some(record::cut(end.sentence.clone())),
                ..Event::default()
            });
        }
    }

    fn undo(&self) -> Result<Arc<Undo>, undo::Error> {
        let mut undo = lock(&self.undo);
        if let Some(undo) = &*undo {
            return Ok(Arc::clone(undo));
        }
        let note = Arc::clone(&self.note);
        let opened = Undo::open(&self.run, "mcp-gen", &self.from, move |text| note(text))?;
        Ok(Arc::clone(undo.insert(Arc::new(opened))))
    }

    /// Waits until all have gone by themselves, which their connections must have told them to, and ends those that
    /// have not. A sentence where one outlived even that.
    pub fn end(&self) -> Result<(), String> {
        let until = Instant::now() + LEAVE + GRACE;
        let mut living = lock(&self.living);
        while *living > 0 && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            living = match self.gone.wait_timeout(living, left) {
                Ok((living, _)) => living,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        drop(living);
        match lock(&self.undo).take() {
            Some(undo) => undo.close(GRACE).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children")
            .field("living", &lock(&self.living))
            .finish_non_exhaustive()
    }
}

/// Waits until the child has ended by itself, or the other end of its socket was closed (`None`).
fn stay(child: &Child, socket: &OwnedFd) -> Option<Exit> {
    loop {
        if wait(child, Some(socket), Duration::from_secs(3_600)) {
            return None;
        }
        if let Some(exit) = child.exited() {
            return Some(exit);
        }
    }
}

/// Waits for the end of a child, or of its socket; true when it was the socket's.
fn wait(child: &Child, socket: Option<&OwnedFd>, time: Duration) -> bool {
    let timeout = Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    let pidfd = child.pidfd();
    let mut polled = vec![PollFd::new(&pidfd, PollFlags::IN)];
    if let Some(socket) = socket {
        polled.push(PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::RDHUP));
    }
    // Interrupted or not: whether it ended is asked of the kernel.
    let _ = poll(&mut polled, Some(&timeout));
    let over = PollFlags::RDHUP | PollFlags::HUP;
    polled.get(1).is_some_and(|p| p.revents().intersects(over))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
