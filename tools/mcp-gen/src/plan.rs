//! The plan: all that is decided before the first call, shared by all workers.

use crate::abuse::Terms;
use crate::audit;
use crate::children::Children;
use crate::cli::Calls;
use crate::course::Course;
use crate::crowd::{self, Visit};
use crate::groups::Groups;
use crate::knee::Knee;
use crate::menu::Labels;
use crate::pacer::Pacer;
use crate::schedule::Schedule;
use crate::stages::Stages;
use protocol::h2::Http2;
use rustls::ClientConfig;
use std::net::IpAddr;
use std::sync::Arc;

/// All that is decided before the first call. Times are nanoseconds.
#[derive(Debug)]
pub struct Plan {
    /// The clients of each profile.
    pub groups: Groups,
    /// What makes calls due.
    pub pacer: Pacer,
    /// Clients over all workers, as many as there are at any time.
    pub clients: u32,
    /// Clients besides who only stay; their numbers follow those of the others.
    pub idle: u32,
    /// Calls per second of each client, on average over all.
    pub rate_per_s: f64,
    /// Whether there are fewer clients at some times.
    pub comes_and_goes: bool,
    /// Workers.
    pub threads: u32,
    /// The connections that all clients share, where they have none of their own; a multiple of `threads`.
    pub carriers: Option<u32>,
    /// Whether workers leave the kernel's scheduling as it is.
    pub normal_scheduling: bool,
    /// The stages on CLOCK_MONOTONIC.
    pub stages: Arc<Stages>,
    /// The knee that is searched for; stages are then added on the way.
    pub knee: Option<Knee>,
    /// The rate of all clients together.
    pub course: Arc<Course>,
    /// Unix time minus CLOCK_MONOTONIC, in microseconds, fixed for the whole run.
    pub unix_offset_us: i64,
    /// How often intervals end.
    pub interval_ns: u64,
    /// Due to given up, for calls not sent.
    pub max_backlog_ns: u64,
    /// How long calls may finish after a signal.
    pub grace_ns: u64,
    /// The seed of all dice.
    pub seed: u64,
    /// Which calls get a record.
    pub calls: Calls,
    /// Calls in flight on a WebSocket connection.
    pub window: usize,
    /// The same, where the user gave it: how many users a client has in the closed model.
    pub in_flight: Option<u32>,
    /// After so many troubles in a row a client calls another target; `None` is never.
    pub failover: Option<u32>,
    /// HTTP connections of a client.
    pub max_connections: usize,
    /// LF at the end of each WebSocket message.
    pub append_newline: bool,
    /// By which terms servers are treated badly, where they are.
    pub abuse: Terms,
    /// The user's headers.
    pub headers: Arc<Vec<(String, String)>>,
    /// The addresses of this machine that connections come from in turn; empty leaves it to the kernel.
    pub sources: Vec<IpAddr>,
    /// How TLS servers are checked.
    pub tls: Option<Arc<ClientConfig>>,
    /// The same for Streamable HTTP, with the protocols that are offered.
    pub tls_http: Option<Arc<ClientConfig>>,
    /// Whether HTTP/2 is spoken.
    pub http2: Http2,
    /// Who runs commands.
    pub children: Arc<Children>,
    /// So many targets have rows of their own; the others share one.
    pub target_rows: usize,
    /// What the rows are named by.
    pub labels: Labels,
    /// Whether and where it is looked up which calls were executed.
    pub audit: Option<audit::Order>,
}

impl Plan {
    /// An instant of CLOCK_MONOTONIC (ns) as Unix microseconds.
    #[must_use]
    pub fn unix_us(&self, mono_ns: u64) -> u64 {
        ((mono_ns / 1_000) as i64 + self.unix_offset_us) as u64
    }

    /// All clients, with those who only stay.
    #[must_use]
    pub fn everybody(&self) -> u32 {
        self.clients + self.idle
    }

    /// When client `i` is there; nothing where all are there all the time.
    #[must_use]
    pub fn visits(&self, i: u32) -> Vec<Visit> {
        if self.comes_and_goes && i < self.clients {
            crowd::visits(&self.stages, i)
        } else {
            Vec::new()
        }
    }

    /// The schedule of client `i`; `None` where answers pace it, or it makes no calls. Clients who are always there share one course; each of
    /// the others has its own, which stands still while it is away.
    #[must_use]
    pub fn schedule(&self, i: u32, visits: &[Visit]) -> Option<Schedule> {
        let arrivals = self.pacer.arrivals().filter(|_| i < self.clients)?;
        let (course, share) = if self.comes_and_goes {
            let mut course = Course::default();
            for visit in visits {
                course.push(
                    visit.from_ns,
                    visit.until_ns,
                    self.rate_per_s,
                    self.rate_per_s,
                );
            }
            (Arc::new(course), 1.0)
        } else {
            (Arc::clone(&self.course), self.groups.share_of_client(i))
        };
        Some(Schedule::new(
            course,
            share,
            arrivals,
            i,
            self.clients,
            self.seed,
        ))
    }
}
