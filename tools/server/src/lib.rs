//! The reference MCP server: both eras on one port, and a latency that is known.
//!
//! It exists to be measured: whatever a load generator claims about it can be held against its
//! truth file. `/mcp` takes WebSocket upgrades and Streamable HTTP, legacy sessions (2024-11-05 to
//! 2025-11-25) and stateless requests (2026-07-28) side by side; `/health` and `/metrics` are beside it.
//! The same is spoken as lines over TCP and over stdio.
//!
//! Each connection is one task. A call's instant of answer is decided when it arrives
//! (`timing`), so an answer needs no task of its own: it waits in its connection for one alarm.

mod answer;
mod audit;
mod batch;
mod connection;
mod delay;
mod dispatch;
mod guard;
mod held;
mod http;
mod kept;
mod level;
mod link;
mod log_file;
mod message;
mod method;
mod metrics;
mod options;
mod outbox;
mod pages;
mod params;
mod patience;
mod preface;
mod prompts;
mod reply;
mod resources;
mod serving;
mod session;
mod state;
mod stdio;
mod subscribing;
mod subscriptions;
mod timing;
mod tools;
mod truth;
mod versions;
mod websocket;

use std::future::Future;
use std::io;
use std::sync::Arc;

use thiserror::Error;

pub use options::{AnswerForm, Eras, Gone, Limits, Lists, Options};
pub use serving::Door;
pub use timing::{Contention, Latency, SpecError, Stall};

/// Why a server did not start, or did not end well.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The truth or audit file could not be created, or the kernel gave no timer.
    #[error(
        "the server cannot start: check that the folders of the truth and audit files exist and may be written ({0})"
    )]
    Start(#[source] io::Error),
    /// stdin and stdout cannot carry a session.
    #[error("stdin and stdout cannot carry a session: give pipes, a socket or files ({0})")]
    Stdio(#[source] io::Error),
    /// Calls were executed that the audit file does not hold.
    #[error("the audit file is incomplete, do not judge by it ({0})")]
    Audit(#[source] io::Error),
    /// Answers were given that the truth file does not hold.
    #[error("the truth file is incomplete, do not measure against it ({0})")]
    Truth(#[source] io::Error),
}

/// Serves at all doors until `stop` is ready, or the session on stdin has ended; then no call is taken
/// any more, and running ones have 0.9 s to finish.
///
/// Runs inside a tokio runtime with I/O and time enabled, of either kind.
///
/// # Errors
/// Where it cannot start, or could not write all of the truth file.
pub async fn serve(
    doors: Vec<Door>,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let state = Arc::new(state::State::new(options).map_err(ServeError::Start)?);
    let ringing = tokio::spawn(Arc::clone(&state.alarm).ring());
    let served = serving::serve_at(&state, doors, stop).await;
    ringing.abort();
    served.map_err(ServeError::Stdio)?;
    if let Some(audit) = &state.audit {
        audit.finish().map_err(ServeError::Audit)?;
    }
    match &state.truth {
        Some(truth) => truth.finish().map_err(ServeError::Truth),
        None => Ok(()),
    }
}
