//! Keeps one server up: starts it again on its port when it ended, and reports when it is unwell.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use record::kind::Event;
use undo::{Child, Exit, ended, last_words};

use crate::health::{self, Asking};
use crate::replica::{ASK, LEFTOVER_GRACE, News, Replica, wait_exit};

/// The first restart comes after this time, each further one after twice the time of the last.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// Who ran for this long starts with the first backoff again.
const STEADY: Duration = Duration::from_secs(5);
/// Restarts are counted over this time.
const WINDOW: Duration = Duration::from_secs(60);
/// How often a server is asked that was started again and does not answer yet.
const LOOK: Duration = Duration::from_millis(100);
/// Instead of "for ever", where nothing is asked.
const NEVER: Duration = Duration::from_secs(3_600);

/// What is known of a running server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    /// Started again at this instant, has not answered yet.
    Starting(Instant),
    Well,
    /// Reported as such.
    Unwell,
}

impl Replica {
    /// Keeps it up until that makes no sense any more; the sentence says why.
    pub fn keep_up(&self, mut child: Child) -> String {
        let mut restarts = VecDeque::new();
        let mut backoff = FIRST_BACKOFF;
        let mut health = Health::Well;
        loop {
            let since = Instant::now();
            let exit = self.watch(&child, health);
            if since.elapsed() >= STEADY {
                backoff = FIRST_BACKOFF;
            }
            self.say_exited(&child, exit);
            let log = child.log_path().to_owned();
            if let Err(error) = child.stop(LEFTOVER_GRACE) {
                return format!("{}: {error}", self.name);
            }
            restarts.retain(|at: &Instant| at.elapsed() < WINDOW);
            if restarts.len() >= self.shop.max_restarts {
                return format!(
                    "{} {}, after {} restarts within a minute: correct it, or raise --max-restarts{}",
                    self.name,
                    ended(exit),
                    restarts.len(),
                    last_words(&log)
                );
            }
            std::thread::sleep(backoff);
            backoff = (backoff * 2).min(LAST_BACKOFF);
            restarts.push_back(Instant::now());
            child = match self.launch() {
                Ok(child) => child,
                Err(sentence) => return sentence,
            };
            health = Health::Starting(Instant::now());
            self.say_event(
                "restarted",
                child.pid(),
                format!("{} runs again", self.name),
            );
        }
    }

    /// Watches a running server until it ends.
    fn watch(&self, child: &Child, mut health: Health) -> Exit {
        let every = self.shop.health_every;
        loop {
            let pause = match health {
                Health::Starting(_) => LOOK,
                _ if every.is_zero() => NEVER,
                _ => every,
            };
            if let Some(exit) = wait_exit(child, pause) {
                return exit;
            }
            health = match health {
                Health::Starting(since) => self.ask_started(child, since),
                _ if every.is_zero() => health,
                _ => self.ask_again(child, health),
            };
        }
    }

    /// It counts as up only when it answers MCP, as at its first start.
    fn ask_started(&self, child: &Child, since: Instant) -> Health {
        match health::mcp(&self.shop.recipe.url(self.port), &Asking::within(ASK)) {
            Ok(_) => {
                self.say(News::Up(self.target(child.pid())));
                self.say_event(
                    "healthy",
                    child.pid(),
                    format!("{} answers again", self.name),
                );
                Health::Well
            }
            Err(answer) if since.elapsed() > self.shop.health_timeout => {
                self.say_event("unhealthy", child.pid(), answer);
                Health::Unwell
            }
            Err(_) => Health::Starting(since),
        }
    }

    fn ask_again(&self, child: &Child, health: Health) -> Health {
        match (self.shop.recipe.check(self.port).ask(ASK), health) {
            (Ok(()), Health::Unwell) => {
                // Written again, since a server that was late after its restart has a new pid.
                self.say(News::Up(self.target(child.pid())));
                self.say_event(
                    "healthy",
                    child.pid(),
                    format!("{} answers again", self.name),
                );
                Health::Well
            }
            // It may have ended just now, which is another event.
            (Err(answer), Health::Well) if child.exited().is_none() => {
                self.say_event("unhealthy", child.pid(), answer);
                Health::Unwell
            }
            (_, health) => health,
        }
    }

    fn say_exited(&self, child: &Child, exit: Exit) {
        let (code, signal) = match exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(signal) => (None, Some(signal)),
        };
        self.say(News::Event(Event {
            code,
            signal,
            ..self.event(
                "exited",
                child.pid(),
                format!("{} {}", self.name, ended(exit)),
            )
        }));
    }

    fn say_event(&self, event: &str, pid: i32, text: String) {
        self.say(News::Event(self.event(event, pid, text)));
    }

    fn event(&self, event: &str, pid: i32, text: String) -> Event {
        Event {
            event: event.to_owned(),
            target: Some(self.name.clone()),
            pid: u32::try_from(pid).ok(),
            text: Some(record::cut(text)),
            ..Event::default()
        }
    }
}
