//! HPACK, the compression of headers (RFC 7541).
//!
//! It is our own because the crates for it are forks of one that stands still since 2016, allocate for each name and
//! value, and know no limit on what a block may grow to; tests hold it against the `h2` crate.

mod decoder;
mod encoder;
mod huffman;
mod integer;
mod statics;

pub(super) use decoder::Decoder;
pub(super) use encoder::Encoder;
