//! What flows through toxics: bytes as they were read, and how a stream ends, each with its instant of arrival.

use bytes::Bytes;

/// A piece of one direction of a connection, on its way through the toxics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// When it came to where it waits now (CLOCK_MONOTONIC, µs): what it has waited counts for a latency.
    pub at_us: u64,
    /// What it is.
    pub item: Item,
}

/// What a chunk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Bytes, never none.
    Bytes(Bytes),
    /// The sender has no more to say (FIN).
    End,
    /// Both connections are closed, behind what is ahead in this direction.
    Close,
    /// Both connections are reset (RST).
    Reset,
}

impl Chunk {
    /// Bytes that came at this instant.
    #[must_use]
    pub fn bytes(at_us: u64, bytes: impl Into<Bytes>) -> Self {
        let item = Item::Bytes(bytes.into());
        Self { at_us, item }
    }

    /// How many bytes it has; an end has none.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.item {
            Item::Bytes(bytes) => bytes.len(),
            Item::End | Item::Close | Item::Reset => 0,
        }
    }

    /// Whether it is an end of one kind or the other.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
