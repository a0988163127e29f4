//! How a slow client reads: so many bytes, then a pause.

use super::unit;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::time::Duration;

/// A limit on reading a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowRead {
    /// What one read(2) takes at most, from 1.
    pub bytes: usize,
    /// How long nobody reads after that, from 1 ms.
    pub every: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(deserialize_with = "unit::size")]
    bytes: usize,
    #[serde(deserialize_with = "unit::duration")]
    every: Duration,
}

impl<'de> Deserialize<'de> for SlowRead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { bytes, every } = Table::deserialize(deserializer)?;
        if bytes == 0 {
            return Err(D::Error::custom(
                "a client that reads 0 bytes at a time never reads an answer: write at least bytes = \"1B\"",
            ));
        }
        // A shorter pause costs the generator more than it slows the server down.
        if every < Duration::from_millis(1) {
            return Err(D::Error::custom(
                "the pause of slow_read is 1ms or more: write for instance every = \"10ms\"",
            ));
        }
        Ok(Self { bytes, every })
    }
}
