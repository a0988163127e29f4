//! The values of the flags of `mcp-deploy serve`, each refused with a way to write it.

use std::net::SocketAddr;
use std::time::Duration;

use record::units::{duration, size};

pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') {
        format!("127.0.0.1{text}")
    } else {
        text.replacen("localhost:", "127.0.0.1:", 1)
    };
    full.parse().map_err(|_| {
        String::from(
            "write an address and a port: 127.0.0.1:5555, 0.0.0.0:5555, [::1]:5555 or :5555",
        )
    })
}

pub(super) fn leak(text: &str) -> Result<usize, String> {
    let bare = text.strip_suffix("/session").unwrap_or(text);
    bytes(bare).map_err(|_| String::from("write a size for each session: 1kB/session"))
}

pub(super) fn bytes(text: &str) -> Result<usize, String> {
    size(text)
        .map_err(|error| error.to_string())
        .and_then(|bytes| usize::try_from(bytes).map_err(|error| error.to_string()))
}

pub(super) fn idle(text: &str) -> Result<Duration, String> {
    let time = duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_secs(1) {
        return Err(String::from(
            "at least 1s; to keep what is idle for good, write 365d",
        ));
    }
    Ok(time)
}

pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    let time = duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_millis(1) {
        return Err(String::from("at least 1ms"));
    }
    Ok(time)
}

/// RFC 6265 wants a token; these characters are all that anybody uses.
pub(super) fn cookie_name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(String::from(
            "a cookie's name is letters, digits, '-', '_' and '.': sticky",
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn resource_size(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        size @ 0..=1_048_576 => Ok(size),
        _ => Err(String::from("a text resource has at most 1MiB")),
    }
}
