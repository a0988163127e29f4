//! What other threads ask of the relay's, each with the channel for the answer.

use super::{Applied, Open, Shown};
use crate::network::tally::Counts;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc::SyncSender;

/// An order.
pub enum Order {
    /// A proxy comes.
    Open(Open, SyncSender<Result<SocketAddr, String>>),
    /// New connections of a proxy go elsewhere.
    Aim(String, SocketAddr),
    /// A proxy goes.
    Shut(String, SyncSender<()>),
    /// A proxy is there, or not, and keeps its port.
    Enable(String, bool, SyncSender<Result<(), String>>),
    /// A client and its server come, connected already.
    Join(String, OwnedFd, OwnedFd, SyncSender<Result<(), String>>),
    /// A toxic comes, or is replaced.
    Apply(String, Applied, SyncSender<Result<(), String>>),
    /// A toxic goes.
    Lift(String, String, SyncSender<Result<Counts, String>>),
    /// What is there?
    List(SyncSender<Vec<Shown>>),
    /// All is over.
    End,
}
