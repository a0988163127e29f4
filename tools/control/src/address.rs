//! Where to listen: an address as people write it.

use std::net::{Ipv4Addr, SocketAddr};

/// Reads `127.0.0.1:8888`, `[::1]:8888`, `localhost:8888` or `:8888`, which is loopback. Port 0 is one of the kernel's
/// choice. `usual` is the port of the example.
///
/// # Errors
/// A sentence: it is none of these.
pub fn parse(text: &str, usual: u16) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost").unwrap_or(text);
    if let Some(port) = port.strip_prefix(':').and_then(|p| p.parse().ok()) {
        return Ok(on_loopback(port));
    }
    text.parse().map_err(|_| {
        format!("write it as 127.0.0.1:{usual}, [::1]:{usual}, or :{usual} for this machine alone; 0.0.0.0:{usual} lets others reach it")
    })
}

/// This port, for this machine alone.
#[must_use]
pub fn on_loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_port_is_on_loopback_and_others_are_written_out() {
        for (text, wanted) in [
            (":8888", "127.0.0.1:8888"),
            ("localhost:0", "127.0.0.1:0"),
            ("127.0.0.2:9", "127.0.0.2:9"),
            ("[::1]:8888", "[::1]:8888"),
            ("0.0.0.0:9464", "0.0.0.0:9464"),
        ] {
            assert_eq!(
                parse(text, 8_888).map(|a| a.to_string()),
                Ok(wanted.to_owned())
            );
        }
        for text in ["8888", "", ":", ":70000", "example.org:80", "*:80"] {
            assert!(parse(text, 8_888).is_err(), "{text}");
        }
    }
}
