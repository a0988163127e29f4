//! `mcp-gen abuse`: the kinds, what is done, and what counts as right.

use super::kind::Kind;
use protocol::transport::Transport;
use std::io::{self, Write};

/// All transports, in the order in which they are told.
const TRANSPORTS: [Transport; 5] = [
    Transport::Ws,
    Transport::Http,
    Transport::Sse,
    Transport::Tcp,
    Transport::Stdio,
];

/// Prints the list, for people.
///
/// # Errors
/// A sentence.
pub fn run() -> Result<(), String> {
    match io::stdout().write_all(list().as_bytes()) {
        // `mcp-gen abuse | head -1` is a way to use it.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write stdout: {e}")),
        _ => Ok(()),
    }
}

fn list() -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        text.push_str(&format!(
            "{}\n  sent:  {}\n  right: {}\n",
            kind.name(),
            kind.what(),
            kind.right()
        ));
        for transport in TRANSPORTS {
            if let Some(why) = kind.meaningless(transport) {
                text.push_str(&format!("  not over {transport}: {why}\n"));
            }
        }
    }
    text
}
