//! What all connections of a server share, and the planning of an answer: by whom, when, or never.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::code;
use protocol::revision::Era;
use record::clock::{boot_id, mono_ns};
use tokio::sync::watch;

use crate::answer::Answer;
use crate::audit::Audit;
use crate::connection::Connection;
use crate::delay::Alarm;
use crate::dispatch::Catalogue;
use crate::guard::Guard;
use crate::method::Method;
use crate::metrics::{Class, Metrics, Outcome, Transport};
use crate::options::Options;
use crate::params::Params;
use crate::session::{Session, Sessions};
use crate::subscriptions::Subscriptions;
use crate::timing::{Book, Model};
use crate::truth::{self, Truth};

/// How far the server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// No new calls; running ones are finished.
    Draining,
    /// At once.
    Ended,
}

/// The server, as its connections see it.
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) catalogue: Catalogue,
    pub(crate) guard: Guard,
    pub(crate) sessions: Sessions,
    /// Of HTTP+SSE (2024-11-05), where a session is as long as its stream.
    pub(crate) sse_sessions: Sessions,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) metrics: Metrics,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) truth: Option<Arc<Truth>>,
    pub(crate) audit: Option<Audit>,
    pub(crate) phase: watch::Sender<Phase>,
    book: Book,
    start_ns: u64,
    connections: AtomicU64,
}

/// A call with its answer and the instant at which it leaves.
pub(crate) struct Planned {
    pub(crate) answer: Answer,
    pub(crate) method: Method,
    pub(crate) era: Era,
    pub(crate) received_ns: u64,
    /// When the work is done; orders what one stall holds.
    pub(crate) done_ns: u64,
    /// When the answer leaves: `done_ns`, or the end of the stall that it falls into.
    pub(crate) release_ns: u64,
    pub(crate) truth_line: Option<String>,
}

/// Who asks: a session's id, or else a connection's number.
#[derive(Clone, Copy)]
pub(crate) enum Asker<'a> {
    Session(&'a str),
    Connection(&'a Connection),
}

impl State {
    /// # Errors
    /// Where the truth file or the timer cannot be had.
    pub(crate) fn new(options: Options) -> io::Result<Self> {
        // Whole microseconds, as the truth file tells it.
        let start_ns = mono_ns() / 1_000 * 1_000;
        let truth = match &options.truth {
            Some(path) => Some(Arc::new(Truth::create(
                path,
                &first_line(&options, start_ns),
            )?)),
            None => None,
        };
        let model = Model {
            latency: options.latency,
            workers: options.workers,
            contention: options.contention,
            error_rate: options.error_rate,
        };
        Ok(Self {
            catalogue: Catalogue::new(&options),
            guard: Guard::new(&options.allow_hosts, &options.allow_origins),
            sessions: Sessions::new(
                options.limits.sessions,
                options.session_ttl,
                options.leak_bytes_per_session,
            ),
            sse_sessions: Sessions::new(
                options.limits.sessions,
                options.session_ttl,
                options.leak_bytes_per_session,
            ),
            subscriptions: Subscriptions::default(),
            metrics: Metrics::default(),
            alarm: Alarm::new()?,
            truth,
            audit: options.audit.as_deref().map(Audit::open).transpose()?,
            phase: watch::Sender::new(Phase::Serving),
            book: Book::new(model, options.seed),
            start_ns,
            connections: AtomicU64::new(0),
            options,
        })
    }

    /// The number of a new connection, from 1.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// When something that is done at `done_ns` may leave.
    pub(crate) fn release_ns(&self, done_ns: u64) -> u64 {
        match self.options.stall {
            Some(stall) => stall.release_ns(self.start_ns, done_ns),
            None => done_ns,
        }
    }

    /// Ends what a session that was taken out still has: its stream, its subscriptions, its calls.
    pub(crate) fn part(&self, session: &Session, transport: Transport) {
        session.ear().close(self);
        let unheard = session.outbox.close().into_iter();
        for planned in unheard.chain(session.kept.close()) {
            self.count(&planned, transport, true);
        }
    }

    /// Ends the sessions that have had their time.
    pub(crate) fn sweep(&self) {
        for (sessions, transport) in [
            (&self.sessions, Transport::Http),
            (&self.sse_sessions, Transport::Sse),
        ] {
            for session in sessions.sweep(self.options.limits.idle) {
                self.part(&session, transport);
            }
            self.metrics.set_sessions(transport, sessions.count());
        }
    }

    /// Waits out a stall, for what is answered without being a call.
    pub(crate) async fn hold(&self) {
        if self.options.stall.is_some() {
            let now_ns = mono_ns();
            let release_ns = self.release_ns(now_ns);
            if release_ns > now_ns {
                self.alarm.until(release_ns).await;
            }
        }
    }

    /// Decides when an answer leaves, and whether the call fails after all (`error_rate`).
    pub(crate) fn plan(
        &self,
        mut answer: Answer,
        id: &str,
        method: Method,
        era: Era,
        asker: Asker<'_>,
        received_ns: u64,
    ) -> Planned {
        let mut done_ns = received_ns;
        if method.is_timed() {
            let outlook = self.book.admit(received_ns, answer.own_ns);
            done_ns = outlook.done_ns;
            if outlook.fails {
                let message = "this call fails because the server was told to (--error-rate)";
                answer = Answer::error(id, code::INTERNAL_ERROR, message, None);
            }
        }
        if let (Some(audit), Some(token), None) = (&self.audit, &answer.token, answer.code) {
            audit.executed(token, id, method.label(), received_ns / 1_000);
        }
        let truth_line = self.truth.as_ref().map(|_| {
            let session = match asker {
                Asker::Session(id) => format!("\"{id}\""),
                Asker::Connection(connection) => connection.number.to_string(),
            };
            let token = answer.token.as_deref();
            truth::line(id, &session, method.label(), token, received_ns / 1_000)
        });
        Planned {
            release_ns: self.release_ns(done_ns),
            answer,
            method,
            era,
            received_ns,
            done_ns,
            truth_line,
        }
    }

    /// Counts a call whose answer is handed over now, or was given up.
    pub(crate) fn count(&self, planned: &Planned, transport: Transport, cancelled: bool) {
        let took_us = mono_ns().saturating_sub(planned.received_ns) / 1_000;
        let outcome = if cancelled {
            Outcome::Cancelled
        } else {
            planned.answer.outcome
        };
        self.metrics
            .call(planned.method, transport, planned.era, outcome, took_us);
        match outcome {
            Outcome::RpcError => self.metrics.error(class_of(planned.answer.code)),
            Outcome::ToolError => self.metrics.error(Class::ToolError),
            Outcome::Ok | Outcome::Cancelled => {}
        }
    }

    /// What a modern request must carry in its body on every transport: -32602 for a field of
    /// `_meta` that is missing, -32022 for a revision that is not spoken (2026-07-28, basic).
    pub(crate) fn check_modern(&self, id: &str, params: &Params<'_>) -> Result<(), Answer> {
        if params.is_modern_and_whole() {
            return Ok(());
        }
        match params.modern_version() {
            Some(version) if version != protocol::revision::Revision::MODERN.as_str() => {
                Err(self.catalogue.unsupported(id, version))
            }
            _ => {
                let message = "params._meta needs io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities";
                Err(Answer::error(id, code::INVALID_PARAMS, message, None))
            }
        }
    }
}

/// The class that an error code counts under.
pub(crate) fn class_of(code: Option<i64>) -> Class {
    match code {
        Some(code::PARSE_ERROR) => Class::ParseError,
        Some(code::METHOD_NOT_FOUND) => Class::MethodNotFound,
        Some(code::INVALID_PARAMS) => Class::InvalidParams,
        Some(code::INTERNAL_ERROR) => Class::InternalError,
        Some(code::RESOURCE_NOT_FOUND) => Class::ResourceNotFound,
        Some(code::HEADER_MISMATCH) => Class::HeaderMismatch,
        Some(code::UNSUPPORTED_PROTOCOL_VERSION) => Class::UnsupportedVersion,
        _ => Class::InvalidRequest,
    }
}

fn first_line(options: &Options, start_ns: u64) -> String {
    let stall = options.stall.map_or(String::new(), |stall| {
        format!(
            r#","stall_for_us":{},"stall_every_us":{}"#,
            stall.held.as_micros(),
            stall.every.as_micros()
        )
    });
    format!(
        r#"{{"start_mono_us":{},"boot_id":"{}","seed":{}{stall}}}"#,
        start_ns / 1_000,
        boot_id(),
        options.seed
    )
}
