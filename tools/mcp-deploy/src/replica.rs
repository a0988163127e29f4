//! One server: its start, and the wait until it first answers.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use record::kind::{Event, Target};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use undo::{Child, CommandSpec, Exit, Undo, ended, last_words};

use crate::health::{self, Asking};
use crate::hold::Happening;
use crate::port::{Ports, is_free};
use crate::recipe::Recipe;

/// What a server that ended by itself left running is given to end.
pub(crate) const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// One question.
pub(crate) const ASK: Duration = Duration::from_secs(5);
/// Pauses between questions to a server that starts: short at first, since most are up at once.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(200);
/// A person is told why it takes longer than this.
const QUIET: Duration = Duration::from_secs(3);
/// Another process may take a port between our look and the server's bind; so often another one is tried.
const PORT_TRIES: u32 = 5;

/// What the main thread is told.
pub enum News {
    /// It answers; the first time, and again after each restart.
    Up(Box<Target>),
    /// Something to tell a person.
    Waiting(String),
    /// Something to write down.
    Event(Event),
    /// The run can't go on, for the reason in this sentence.
    Failed(String),
}

/// What all replicas of a run share.
pub struct Workshop {
    /// How to start one.
    pub recipe: Recipe,
    /// Who starts and takes back.
    pub undo: Arc<Undo>,
    /// Where ports come from; `None` when the user has chosen them.
    pub ports: Option<Mutex<Ports>>,
    /// Time to the first answer.
    pub health_timeout: Duration,
    /// Time between questions; zero for none.
    pub health_every: Duration,
    /// Restarts within a minute.
    pub max_restarts: usize,
    /// When the keeper ends it at the latest.
    pub deadline: Option<Duration>,
    /// Where news go.
    pub tell: Sender<Happening>,
}

/// One server.
pub struct Replica {
    /// Its place among the others, from 0.
    pub index: usize,
    /// `local-1`.
    pub name: String,
    /// Its port, for good once it answers.
    pub port: u16,
    /// What it shares with the others.
    pub shop: Arc<Workshop>,
}

/// How waiting for a server came out.
enum Waited {
    Well,
    Ended(Exit),
    /// It runs, but its last answer was this.
    Unwell(String),
}

impl Replica {
    /// Runs until the run fails; the undoing ends the server, and with it nothing is left to watch.
    pub fn run(mut self) {
        let failed = match self.begin() {
            Ok(child) => self.keep_up(child),
            Err(sentence) => sentence,
        };
        self.say(News::Failed(failed));
    }

    /// Starts it for the first time. Nothing is tried twice but another port: a server that can't start is told at once.
    fn begin(&mut self) -> Result<Child, String> {
        for _ in 0..PORT_TRIES {
            // Looked at before the start, too: else the one who has the port would answer in the server's place.
            if self.port_is_taken()? {
                self.take_another_port()?;
                continue;
            }
            let child = self.launch()?;
            match self.wait(&child, self.shop.health_timeout) {
                Waited::Well => {
                    self.say(News::Up(self.target(child.pid())));
                    return Ok(child);
                }
                Waited::Ended(exit) => {
                    let log = child.log_path().to_owned();
                    child
                        .stop(LEFTOVER_GRACE)
                        .map_err(|error| error.to_string())?;
                    if !self.port_is_taken()? {
                        return Err(format!(
                            "{} {} before it answered: correct the command{}",
                            self.name,
                            ended(exit),
                            last_words(&log)
                        ));
                    }
                }
                Waited::Unwell(answer) => {
                    return Err(format!(
                        "{} does not answer MCP after {} s ({answer}): see that --url is where it answers, or give it more --health-timeout{}",
                        self.name,
                        self.shop.health_timeout.as_secs_f64(),
                        last_words(child.log_path())
                    ));
                }
            }
        }
        Err(format!(
            "{}: {PORT_TRIES} ports in turn were taken by other processes: choose with --port",
            self.name
        ))
    }

    fn port_is_taken(&self) -> Result<bool, String> {
        let free = is_free(self.port).map_err(|error| error.to_string())?;
        Ok(!free)
    }

    fn take_another_port(&mut self) -> Result<(), String> {
        let Some(ports) = &self.shop.ports else {
            return Err(format!(
                "{}: port {} is taken by another process: choose another --port",
                self.name, self.port
            ));
        };
        let mut ports = ports.lock().unwrap_or_else(PoisonError::into_inner);
        self.port = ports.next().map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Starts the command on the present port; nothing is known about its health yet.
    pub(crate) fn launch(&self) -> Result<Child, String> {
        let told = |error: undo::Error| format!("{}: {error}", self.name);
        let argv = self.shop.recipe.argv(&self.name, self.port).map_err(told)?;
        let mut spec = CommandSpec::new(&self.name, argv);
        spec.env.push(("PORT".into(), self.port.to_string().into()));
        spec.deadline = self.shop.deadline;
        self.shop.undo.launch(&spec).map_err(told)
    }

    /// Waits until it first answers, has ended, or the time is over.
    fn wait(&self, child: &Child, time: Duration) -> Waited {
        let url = self.shop.recipe.url(self.port);
        let since = Instant::now();
        let mut pause = FIRST_LOOK;
        let mut told = false;
        loop {
            if let Some(exit) = wait_exit(child, pause) {
                return Waited::Ended(exit);
            }
            let left = time.saturating_sub(since.elapsed());
            match health::mcp(&url, &Asking::within(ASK.min(left.max(FIRST_LOOK)))) {
                Ok(_) => return Waited::Well,
                Err(answer) if left.is_zero() => return Waited::Unwell(answer),
                Err(answer) => {
                    pause = (pause * 2).min(LAST_LOOK);
                    // It may still be starting; but nobody likes to wait 30 s for the wrong path.
                    if !told && since.elapsed() > QUIET {
                        told = true;
                        self.say(News::Waiting(format!(
                            "{}: no MCP yet, waiting on: {answer}",
                            self.name
                        )));
                    }
                }
            }
        }
    }

    pub(crate) fn target(&self, pid: i32) -> Box<Target> {
        Box::new(self.shop.recipe.target(&self.name, self.port, pid))
    }

    pub(crate) fn say(&self, news: News) {
        // Fails only when the main thread has ended, which ends this one, too.
        let _ = self.shop.tell.send(Happening::News(self.index, news));
    }
}

/// Waits for a process to end, for this long at most.
pub(crate) fn wait_exit(child: &Child, time: Duration) -> Option<Exit> {
    let timeout = Timespec {
        tv_sec: time.as_secs() as i64,
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    let pidfd = child.pidfd();
    // Interrupted or not: whether it ended is asked of the kernel.
    let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout));
    child.exited()
}
