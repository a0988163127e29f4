//! The proxy over real sockets: bytes, ends, faults that come and go, and what is left behind.

mod bench;
mod bytes;
mod ends;
mod faults;
mod limits;
mod shown;
