//! Values with units in TOML: `"10s"`, `"100/s"`, `"512B"`; a bare number is seconds, per second, or bytes.

use crate::think::Think;
use record::units::{self, UnitError};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    read(deserializer, units::duration, "a duration such as \"10s\"")
}

pub fn some_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

pub fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    read(deserializer, units::share, "a share such as \"20%\"")
}

pub fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    read(deserializer, units::rate, "a rate such as \"100/s\"")
}

pub fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let bytes = read(deserializer, units::size, "a size such as \"512B\"")?;
    usize::try_from(bytes).map_err(D::Error::custom)
}

pub fn payload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let bytes = size(deserializer)?;
    in_reach(bytes as u64).map_err(D::Error::custom)?;
    Ok(bytes)
}

/// A payload as a flag has it.
///
/// # Errors
/// A sentence: it is no size, or beyond the limit.
pub fn payload_text(text: &str) -> Result<u64, String> {
    let bytes = units::size(text).map_err(|e| e.to_string())?;
    in_reach(bytes)
}

fn in_reach(bytes: u64) -> Result<u64, String> {
    if bytes > super::MAX_PAYLOAD_BYTES {
        return Err(format!(
            "a payload has {} bytes (1MiB) at most; a larger argument is spelled out with --args or in a profile's [[call]]",
            super::MAX_PAYLOAD_BYTES
        ));
    }
    Ok(bytes)
}

/// As `--think` has it.
pub fn think<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Think>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

struct Unit<T, F>(F, &'static str, PhantomData<T>);

fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl Fn(&str) -> Result<T, UnitError>,
    expected: &'static str,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Unit(parse, expected, PhantomData))
}

impl<T, F: Fn(&str) -> Result<T, UnitError>> Visitor<'_> for Unit<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}
