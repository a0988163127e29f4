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
mod batch;
mod connection;
mod delay;
mod dispatch;
mod guard;
mod http;
mod link;
mod message;
mod method;
mod metrics;
mod options;
mod pages;
mod params;
mod prompts;
mod reply;
mod resources;
mod serving;
mod session;
mod state;
mod stdio;
mod timing;
mod tools;
mod truth;
mod websocket;

use std::future::Future;
use std::io;
use std::sync::Arc;

use thiserror::Error;

pub use options::{AnswerForm, Eras, Limits, Lists, Options};
pub use serving::Door;
pub use timing::{Contention, Latency, SpecError, Stall};

/// Why a server did not start, or did not end well.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The truth file could not be created, or the kernel gave no timer.
    #[error(
        "the server cannot start: check that the folder of the truth file exists and may be written ({0})"
    )]
    Start(#[source] io::Error),
    /// stdin and stdout cannot carry a session.
    #[error("stdin and stdout cannot carry a session: give pipes, a socket or files ({0})")]
    Stdio(#[source] io::Error),
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
    match &state.truth {
        Some(truth) => truth.finish().map_err(ServeError::Truth),
        None => Ok(()),
    }
}
