//! The proxy over real sockets: bytes, ends, faults that come and go, and what is left behind.

#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod bench;
mod bytes;
mod ends;
mod faults;
mod limits;
mod shown;
