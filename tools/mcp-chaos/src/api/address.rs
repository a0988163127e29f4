//! Where a proxy listens and what is behind it, as clients write it.

use super::refusal::Refusal;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

/// A host name has at most 253 bytes, a port 5.
const MAX_BYTES: usize = 260;

/// Finds the address of `host:port`.
pub type Find = fn(&str) -> Result<SocketAddr, String>;

/// Where a proxy is to listen. Nothing, and a port without an address, are on loopback: whoever wants others to reach
/// a proxy writes the address out.
///
/// # Errors
/// It is no address of ours.
pub fn listen(text: &str, find: Find) -> Result<SocketAddr, Refusal> {
    if text.is_empty() {
        return Ok((Ipv4Addr::LOCALHOST, 0).into());
    }
    if let Some(port) = text.strip_prefix(':') {
        let port: u16 = port
            .parse()
            .map_err(|_| Refusal::bad_body(&format!("listen {text:?} is no address")))?;
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    found("listen", text, find)
}

/// What is to be behind a proxy.
///
/// # Errors
/// It has no address.
pub fn upstream(text: &str, find: Find) -> Result<SocketAddr, Refusal> {
    found("upstream", text, find)
}

fn found(what: &str, text: &str, find: Find) -> Result<SocketAddr, Refusal> {
    let shown: String = text.chars().take(MAX_BYTES).collect();
    let wrong = |e: &str| {
        Refusal::bad_body(&format!(
            "{what} {shown:?} has no address ({e}): write host:port"
        ))
    };
    if text.len() > MAX_BYTES {
        return Err(wrong("it is too long"));
    }
    find(text).map_err(|e| wrong(&e))
}

/// Asks the system, which may ask the network. Of several addresses one of IPv4 is taken: `localhost` is 127.0.0.1.
///
/// # Errors
/// A phrase: there is none.
pub fn system(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let all: Vec<SocketAddr> = text.to_socket_addrs().map_err(|e| e.to_string())?.collect();
    let v4 = all.iter().find(|a| a.is_ipv4());
    v4.or(all.first())
        .copied()
        .ok_or_else(|| "the name has none".to_owned())
}

/// Asks nobody: every name is loopback.
///
/// # Errors
/// A phrase: it is no `host:port`.
pub fn on_paper(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = text.rsplit_once(':').map(|(_, port)| port.parse());
    match port {
        Some(Ok(port)) => Ok((Ipv4Addr::LOCALHOST, port).into()),
        _ => Err("no port".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_on_loopback_unless_its_address_is_written_out() {
        for (text, wanted) in [
            ("", "127.0.0.1:0"),
            (":7", "127.0.0.1:7"),
            ("localhost:7", "127.0.0.1:7"),
            ("127.0.0.2:7", "127.0.0.2:7"),
            ("[::1]:7", "[::1]:7"),
            ("0.0.0.0:7", "0.0.0.0:7"),
            ("[::]:7", "[::]:7"),
        ] {
            let found = listen(text, system).map(|a| a.to_string());
            assert_eq!(found, Ok(wanted.to_owned()), "{text}");
        }
        for text in ["7", ":", ":70000", ":-1", "localhost", &"x".repeat(400)] {
            assert_eq!(listen(text, system).unwrap_err().status, 400, "{text}");
            assert!(listen(text, on_paper).is_err(), "{text}");
        }
    }
}
