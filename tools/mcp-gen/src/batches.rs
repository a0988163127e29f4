//! Whether a server takes what a profile sends as batches: arrays of calls, which one revision of MCP has.

use crate::profile::Profile;
use protocol::client::Discovery;
use protocol::revision::Revision;
use protocol::transport::Transport;

/// Holds the wish for batches against what is spoken with a server.
///
/// # Errors
/// A sentence: its revision has none.
pub fn check(profiles: &[Profile], discovery: &Discovery) -> Result<(), String> {
    let revision = discovery.dialect.revision;
    let Some(profile) = profiles.iter().find(|p| p.batch > 1) else {
        return Ok(());
    };
    let (n, name, only) = (profile.batch, &profile.name, Revision::V2025_03_26);
    if discovery.transport == Transport::Sse {
        return Err(format!(
            "the profile {name} is to send batches of {n} calls (--batch), and the transport HTTP+SSE of 2024-11-05 is older than they are: leave --batch out"
        ));
    }
    if revision.has_batches() {
        return Ok(());
    }
    Err(format!(
        "the profile {name} is to send batches of {n} calls (--batch), which MCP {revision}, as it is spoken here, does not have: give --protocol {only}, the only revision that has them, or leave --batch out"
    ))
}
