//! Faults of messages, without sockets: bytes go in, and what comes out is read by codecs that are not those of the
//! splitter.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod corpus;
mod handmade;
mod hostile;
mod http_faults;
mod identity;
mod link_faults;
#[path = "../mutation/script.rs"]
mod script;
mod speak;
mod talk;
