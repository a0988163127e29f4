//! What a fault does, with its parameters in their own types: one variant for each way of doing it.

use crate::message;
use crate::network::Toxic;
use crate::process::Act;

/// What is applied when a fault begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Something with the process of a target.
    Process(Act),
    /// Something with the bytes on their way.
    Network(Toxic),
    /// Something with the messages on the way to and from a target.
    Message(message::Fault),
}
