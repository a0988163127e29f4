//! Ports for servers: outside the ephemeral range, so that no outgoing connection takes one while its server restarts.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

/// Below are the ports that people choose by hand.
const LOWEST: u16 = 10_000;
/// Tries to find a free one.
const TRIES: u32 = 2_000;

/// The ports of one run; each is given once.
pub struct Ports {
    range: RangeInclusive<u16>,
    given: BTreeSet<u16>,
}

impl Ports {
    /// Ports of this machine.
    pub fn new() -> Self {
        let text =
            std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
        Self {
            range: outside(&text),
            given: BTreeSet::new(),
        }
    }

    /// A free port at random, so that two runs side by side seldom meet.
    ///
    /// # Errors
    /// Where none was found, or a socket can't be made at all.
    pub fn next(&mut self) -> io::Result<u16> {
        let (low, high) = (*self.range.start(), *self.range.end());
        let count = u64::from(high - low) + 1;
        for _ in 0..TRIES {
            let port = low + (record::random() % count) as u16;
            if !self.given.contains(&port) && is_free(port)? {
                self.given.insert(port);
                return Ok(port);
            }
        }
        Err(io::Error::other(format!(
            "found no free port between {low} and {high}: end some servers, or choose with --port"
        )))
    }
}

/// Whether a server could listen on 127.0.0.1 there now.
///
/// # Errors
/// Anything but "in use" or "not for this user": above all, too many open files.
pub fn is_free(port: u16) -> io::Result<bool> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(false)
        }
        Err(error) if error.raw_os_error() == Some(libc::EMFILE) => Err(io::Error::other(
            "too many open files: raise the limit with `ulimit -n 65536`, or start fewer with --replicas",
        )),
        Err(error) => Err(error),
    }
}

/// The larger of the ranges below and above the ephemeral one, which sysctl shows as two numbers.
fn outside(text: &str) -> RangeInclusive<u16> {
    let mut numbers = text.split_whitespace().map(str::parse::<u16>);
    let (Some(Ok(low)), Some(Ok(high))) = (numbers.next(), numbers.next()) else {
        return LOWEST..=32_767; // below Linux's default
    };
    let below = low.saturating_sub(LOWEST);
    let above = u16::MAX - high;
    match below.max(above) {
        // The whole range is ephemeral (some containers): then anything goes.
        0..1_000 => LOWEST..=u16::MAX,
        _ if below >= above => LOWEST..=low - 1,
        _ => high + 1..=u16::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_keeps_clear_of_the_ephemeral_ports() {
        assert_eq!(outside("32768\t60999\n"), 10_000..=32_767);
        assert_eq!(outside("1024 50000"), 50_001..=65_535);
        assert_eq!(outside("1024 65535"), 10_000..=65_535);
        assert_eq!(outside(""), 10_000..=32_767);
    }

    #[test]
    fn a_port_that_is_listened_on_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()).unwrap());
    }

    #[test]
    fn no_port_is_given_twice() {
        let mut ports = Ports::new();
        let given: BTreeSet<u16> = (0..50).map(|_| ports.next().unwrap()).collect();
        assert_eq!(given.len(), 50);
    }
}
