//! HTTP for whoever controls a tool while it runs: a few small requests, on loopback or with a token.
//!
//! One request a connection, each on a thread of its own, few at a time, with limits on all that comes in. Whoever
//! needs more of HTTP than this needs a framework.

mod address;
mod answer;
mod caller;
mod chunks;
mod limits;
mod listener;
mod request;
mod token;

pub use address::{on_loopback, parse as address};
pub use answer::Answer;
pub use caller::Callers;
pub use limits::Limits;
pub use listener::serve;
pub use request::{Fault, Parsed, Request, parse as request};
pub use token::Token;
