//! The reference server through its public doors: a socket each, and nothing that the server shares.

// clippy.toml allows it in tests, but takes only functions marked #[test] for such.
#![allow(clippy::unwrap_used)]

mod eras;
mod hostile;
mod legacy;
mod limits;
mod lines;
mod methods;
mod metrics;
mod modern;
mod streams;
mod support;
mod trust;
mod truth;
mod websocket;
