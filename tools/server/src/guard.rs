//! Who may talk to the server: a web page must not reach it through a name that it controls (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

/// The names and origins that are trusted.
pub(crate) struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Guard {
    pub(crate) fn new(hosts: &[String], origins: &[String]) -> Self {
        Self {
            hosts: hosts.to_vec(),
            origins: origins.to_vec(),
        }
    }

    /// Whether the value of a Host header names this server: loopback, the address that the client
    /// connected to (an attacker controls names, not addresses), or what was allowed, with or
    /// without its port.
    pub(crate) fn host(&self, host: &str, local: IpAddr) -> bool {
        let name = name_of(host);
        is_own(name, local)
            || self.hosts.iter().any(|allowed| {
                allowed == "*"
                    || allowed.eq_ignore_ascii_case(host)
                    || allowed.eq_ignore_ascii_case(name)
            })
    }

    /// Whether the value of an Origin header is trusted; `null` (a sandboxed page) is not.
    pub(crate) fn origin(&self, origin: &str, local: IpAddr) -> bool {
        let allowed = |allowed: &String| allowed == "*" || allowed.eq_ignore_ascii_case(origin);
        let host = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        self.origins.iter().any(allowed) || host.is_some_and(|host| is_own(name_of(host), local))
    }
}

/// The name or address without the port; brackets around an IPv6 address go too.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or("", |(address, _)| address);
    }
    match host.split_once(':') {
        // A port is digits: anything else is no host that we know.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => "",
        None => host,
    }
}

fn is_own(name: &str, local: IpAddr) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback() || address == local)
}

/// The address that a client connected to, an IPv4 one written as such even on a dual-stack socket.
pub(crate) fn canonical(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));

    #[test]
    fn loopback_and_the_address_connected_to_are_trusted_and_names_are_not() {
        let guard = Guard::new(&[], &[]);
        for host in [
            "localhost",
            "LOCALHOST:5555",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:5555",
            "[::1]",
            "10.0.0.7:5555",
        ] {
            assert!(guard.host(host, LOCAL), "{host}");
        }
        for host in [
            "",
            "server",
            "localhost.evil.example",
            "10.0.0.8",
            "127.0.0.1.evil.example",
            "[::2]",
            "localhost:80@evil",
            "evil:localhost",
        ] {
            assert!(!guard.host(host, LOCAL), "{host}");
        }
    }

    #[test]
    fn an_allowed_host_matches_with_and_without_its_port() {
        let guard = Guard::new(&[String::from("server"), String::from("lb:80")], &[]);
        assert!(guard.host("Server:5555", LOCAL) && guard.host("server", LOCAL));
        assert!(guard.host("lb:80", LOCAL) && !guard.host("lb:81", LOCAL));
        assert!(Guard::new(&[String::from("*")], &[]).host("anything", LOCAL));
    }

    #[test]
    fn origins_are_trusted_by_their_host_or_by_name() {
        let guard = Guard::new(&[], &[String::from("https://app.example")]);
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "https://app.example",
            "http://10.0.0.7",
        ] {
            assert!(guard.origin(origin, LOCAL), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://app.example",
            "https://app.example.evil",
            "http://localhost.evil",
            "file://localhost",
        ] {
            assert!(!guard.origin(origin, LOCAL), "{origin}");
        }
    }
}
