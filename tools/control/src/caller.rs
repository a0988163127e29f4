//! Who may control a tool: another one on this machine, or who knows the token; and no page in a browser.

use crate::request::Request;
use crate::token::Token;
use std::net::IpAddr;

/// Who may.
#[derive(Debug)]
pub struct Callers {
    /// Whether only this machine can ask.
    pub is_local: bool,
    /// What whoever controls has to know, where there is one.
    pub token: Option<Token>,
    /// The option that names the token's file, for whoever is refused.
    pub token_option: &'static str,
    /// What is controlled: `the run`.
    pub what: &'static str,
    /// The option that listens on loopback: `--metrics-addr 127.0.0.1:8888`.
    pub local_option: &'static str,
}

impl Callers {
    /// Whether this request is one of theirs. A page in a browser could reach loopback from anywhere, under a name of its
    /// own if need be.
    ///
    /// # Errors
    /// The status and the sentence of the answer.
    pub fn may(&self, request: &Request) -> Result<(), (u16, String)> {
        let (what, option) = (self.what, self.token_option);
        if request.from_a_page {
            return Err((403, format!("a page in a browser does not control {what}")));
        }
        if self.is_local && !names_loopback(&request.host) {
            let text = "the Host header is to name this machine: use 127.0.0.1 or localhost";
            return Err((403, text.to_owned()));
        }
        match (&self.token, &request.token) {
            (None, _) if self.is_local => Ok(()),
            (None, _) => Err((
                403,
                format!(
                    "without a token {what} is controlled on loopback only: give {option}, or {}",
                    self.local_option
                ),
            )),
            (Some(own), Some(given)) if own.is(given) => Ok(()),
            (Some(_), None) => Err((
                401,
                format!("send the token of {option}: 'Authorization: Bearer …'"),
            )),
            (Some(_), Some(_)) => Err((401, format!("this is not the token of {option}"))),
        }
    }
}

fn names_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.0.0.1:8888",
            "[::1]:8888",
        ] {
            assert!(names_loopback(host), "{host}");
        }
        for host in [
            "",
            ":8888",
            "evil.example:8888",
            "10.0.0.1",
            "localhost.example",
            "[::2]:1",
        ] {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_asked_of_everybody_and_a_page_is_nobody() {
        let request = |token: Option<&str>, host: &str, from_a_page| Request {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            host: host.to_owned(),
            from_a_page,
            token: token.map(str::to_owned),
            agent: String::new(),
            body: Vec::new(),
        };
        let callers = |is_local, token: Option<&str>| Callers {
            is_local,
            token: token.map(|t| Token::new(t).unwrap()),
            token_option: "--token-file",
            what: "it",
            local_option: "--at :1",
        };
        let own = "0123456789abcdef";
        let status = |callers: &Callers, request: Request| callers.may(&request).map_err(|e| e.0);
        let local = callers(true, None);
        assert_eq!(status(&local, request(None, "localhost:1", false)), Ok(()));
        assert_eq!(status(&local, request(None, "here:1", false)), Err(403));
        assert_eq!(status(&local, request(None, "localhost", true)), Err(403));
        assert_eq!(
            status(&callers(false, None), request(None, "x", false)),
            Err(403)
        );
        for is_local in [true, false] {
            let callers = callers(is_local, Some(own));
            assert_eq!(
                status(&callers, request(Some(own), "127.0.0.1", false)),
                Ok(())
            );
            assert_eq!(
                status(&callers, request(Some("x"), "127.0.0.1", false)),
                Err(401)
            );
            assert_eq!(
                status(&callers, request(None, "127.0.0.1", false)),
                Err(401)
            );
        }
    }
}
