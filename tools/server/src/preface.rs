//! Which HTTP a client speaks, told by its first bytes (RFC 9113, 3.3: prior knowledge).

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::state::{Phase, State};

/// No method of HTTP/1.1 begins so.
const BEGIN: &[u8; 4] = b"PRI ";
/// Who sends less than this many bytes, and then nothing for a while, speaks HTTP/1.1 slowly.
const PATIENCE: Duration = Duration::from_millis(2);
const TRIES: u32 = 25;

/// Whether the client begins as HTTP/2 does. Waits for its first bytes, which stay where they are; `None` where none came
/// for as long as a connection may be idle.
pub(crate) async fn is_sent(stream: &TcpStream, state: &Arc<State>) -> Option<bool> {
    let mut phase = state.phase.subscribe();
    tokio::select! {
        is_sent = timeout(state.options.limits.idle, peek(stream)) => is_sent.ok(),
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => Some(false),
    }
}

async fn peek(stream: &TcpStream) -> bool {
    let mut first = [0; BEGIN.len()];
    for _ in 0..TRIES {
        match stream.peek(&mut first).await {
            Ok(n) if n > 0 && BEGIN.starts_with(&first[..n]) => {
                if n == BEGIN.len() {
                    return true;
                }
            }
            _ => return false,
        }
        // What has come is readable again at once, so nothing tells of the rest.
        sleep(PATIENCE).await;
    }
    false
}
