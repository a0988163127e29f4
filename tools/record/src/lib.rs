//! The records that the mcpipe tools exchange, one JSON object a line, and the reader and writer of the pipe.
//!
//! # The format
//! A record is a line: one JSON object, UTF-8, `\n` at the end, at most 1 MiB. Every record carries
//!
//! | field | |
//! |---|---|
//! | `v` | version of the format, 1 |
//! | `type` | its kind: see [`kind`], a page each with a real line |
//! | `run` | one id for the run of the whole pipeline |
//! | `from` | tool and instance: `mcp-gen#3f2a9c` |
//! | `seq` | counts up from 0 within `from`; (`run`, `from`, `seq`) is unique |
//! | `ts_us` | Unix microseconds at writing |
//!
//! The unit is in the name: times in microseconds `_us`, sizes `_bytes`, rates `_per_s`. Integers stay below 2^53, so
//! that jq and JavaScript keep them exact. A reader ignores fields it does not know and passes on types it does not
//! know; adding a field is free, renaming one or changing a unit raises `v`.
//!
//! # The pipe
//! Each tool reads the first line of stdin, takes `run` from it, writes its own [`kind::Start`], and only then passes
//! lines on, byte for byte. Its last word is [`kind::End`]. [`Pen`] is the one writer of stdout, [`Upstream`] the
//! reader of stdin, [`filter::run`] the whole life of a tool in the middle.

pub mod clock;
mod envelope;
pub mod filter;
mod histogram;
mod host;
pub mod kind;
mod lines;
mod peek;
mod pen;
mod quantile;
mod queue;
pub mod redact;
mod run_id;
mod say;
mod schema;
pub mod signal;
pub mod units;
mod upstream;
mod watch;

pub use envelope::{Identity, MAX_LINE_BYTES, MAX_TEXT_BYTES, Record, VERSION, cut};
pub use filter::{Ending, RawStdin};
pub use histogram::{Histogram, Latency, MAX_US};
pub use host::start;
pub use kind::Body;
pub use lines::{Block, Lines, Piece};
pub use peek::{Peek, peek};
pub use pen::Pen;
pub use quantile::Quantile;
pub use queue::Queue;
pub use run_id::{is_valid_run, new_instance, new_run, random};
pub use say::Say;
pub use schema::schemas;
pub use upstream::Upstream;
pub use watch::is_pipe;
