//! OAuth 2 client credentials (RFC 6749, 4.4): a token for a program that speaks for itself.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use thiserror::Error;

use super::Options;
use super::connect::{Deadline, Lost, open};
use super::error::{DiscoveryError, excerpt, gist};
use crate::endpoint::Endpoint;
use crate::http::{Event, HeadLines, HeadOptions, Limits, Reply};
use crate::transport::Transport;

/// A token is a header's value, and its answer little more.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Who asks for a token, where, and for what.
#[derive(Clone)]
pub struct ClientCredentials {
    /// The token endpoint, http or https.
    pub token_url: Endpoint,
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// `scope`: names with spaces between.
    pub scope: Option<String>,
    /// `resource` (RFC 8707): the URL of the server that the token is for.
    pub resource: Option<String>,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClientCredentials({} at {})",
            self.id, self.token_url.host
        )
    }
}

/// What the server of tokens gave.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Goes behind `Bearer `.
    pub value: String,
    /// How long it lives from now on; where that is not said, nobody knows.
    pub lives: Option<Duration>,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken([redacted], {:?})", self.lives)
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The URL is none of HTTP.
    #[error("{url} is no URL of http:// or https://, as a token endpoint has")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// The endpoint did not answer.
    #[error("no token, since of the token endpoint this came: {0}")]
    NotMet(DiscoveryError),
    /// It said no (RFC 6749, 5.2).
    #[error(
        "the token endpoint refuses (HTTP {status}: {said}): check client id, secret and scope"
    )]
    Refused {
        /// The status.
        status: u16,
        /// `error` and `error_description`, or the beginning of the body.
        said: String,
    },
    /// What came is no bearer token.
    #[error("the token endpoint gives no bearer token ({said}): check its URL")]
    NoToken {
        /// What it gave instead. Never the answer itself, which may hold one.
        said: &'static str,
    },
}

impl ClientCredentials {
    /// Asks for a token, with the options' deadline, certificates and nothing else of theirs. The secret goes into the
    /// Authorization header, as every server has to take it; one that says `invalid_client` to that gets it in the body.
    ///
    /// # Errors
    /// [`TokenError`], each a sentence without the secret.
    pub fn fetch(&self, options: &Options) -> Result<AccessToken, TokenError> {
        let endpoint = &self.token_url;
        if endpoint.scheme.transport() != Transport::Http {
            return Err(TokenError::BadUrl {
                url: endpoint.host.clone(),
            });
        }
        let options = Options {
            tls: options.tls.clone(),
            timeout: options.timeout,
            ..Options::default()
        };
        let ask = |in_body| {
            let deadline = Deadline::after(options.timeout);
            let request = self.request(in_body)?;
            let answer = exchange(endpoint, &options, &request, deadline);
            answer.map_err(|lost| TokenError::NotMet(lost.tell(endpoint, &options)))
        };
        let (status, body) = ask(false)?;
        match read(status, &body) {
            Err(TokenError::Refused { status, said })
                if status == 401 || said.starts_with("invalid_client") =>
            {
                let (again, body) = ask(true)?;
                read(again, &body).map_err(|_| TokenError::Refused { status, said })
            }
            result => result,
        }
    }

    fn request(&self, in_body: bool) -> Result<Vec<u8>, TokenError> {
        let mut fields = vec![("grant_type", "client_credentials")];
        if in_body {
            fields.extend([
                ("client_id", self.id.as_str()),
                ("client_secret", &self.secret),
            ]);
        }
        fields.extend(self.scope.iter().map(|scope| ("scope", scope.as_str())));
        fields.extend(self.resource.iter().map(|url| ("resource", url.as_str())));
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(name, value)| format!("{name}={}", form(value)))
            .collect();
        let body = fields.join("&");
        let none = HeadOptions::default();
        let head = || {
            let mut lines = HeadLines::new("POST", &self.token_url, &none)?;
            lines.own("Content-Type", "application/x-www-form-urlencoded")?;
            lines.own("Accept", "application/json")?;
            if !in_body {
                let pair = format!("{}:{}", form(&self.id), form(&self.secret));
                lines.own("Authorization", &format!("Basic {}", STANDARD.encode(pair)))?;
            }
            lines.own("Connection", "close")?;
            lines.finish(&[])
        };
        let mut request = head()
            .map_err(|error| TokenError::NotMet(DiscoveryError::BadHeader(error.to_string())))?;
        request.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
        Ok(request)
    }
}

/// Sends the request, and gives the status and the body of the answer.
fn exchange(
    endpoint: &Endpoint,
    options: &Options,
    request: &[u8],
    deadline: Deadline,
) -> Result<(u16, Vec<u8>), Lost> {
    use std::io::{Read as _, Write as _};
    let address = super::connect::address(endpoint);
    let lost = |error: std::io::Error| Lost::of_io(&error, &address);
    let mut wire = open(endpoint, options, deadline)?;
    wire.set_blocking(deadline.left().ok_or(Lost::Silent)?)
        .and_then(|()| wire.write_all(request))
        .and_then(|()| wire.flush())
        .map_err(lost)?;
    let mut reply = Reply::new(Limits {
        body_bytes: MAX_BODY_BYTES,
        ..Limits::default()
    });
    let (mut status, mut body, mut buffer) = (0, Vec::new(), vec![0; 16 * 1024]);
    loop {
        wire.set_blocking(deadline.left().ok_or(Lost::Silent)?)
            .map_err(lost)?;
        let length = wire.read(&mut buffer).map_err(lost)?;
        let mut at = 0;
        loop {
            let event = match length {
                0 => reply.eof(),
                _ => reply.next(&buffer[..length], &mut at),
            };
            match event {
                Ok(Some(Event::Head(head))) => status = head.status,
                Ok(Some(Event::Message(bytes))) => bytes.clone_into(&mut body),
                Ok(Some(Event::End { .. })) => return Ok((status, body)),
                Ok(Some(Event::Named { .. })) => {}
                Ok(None) => break,
                Err(broken) => {
                    return Err(Lost::Fatal(DiscoveryError::BrokenAnswer {
                        address,
                        reason: broken.to_string(),
                    }));
                }
            }
        }
        if length == 0 {
            return Err(Lost::Closed(String::new()));
        }
    }
}

fn read(status: u16, body: &[u8]) -> Result<AccessToken, TokenError> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    if !(200..300).contains(&status) {
        let said = match (text("error"), text("error_description")) {
            ("", _) => gist(body),
            (error, "") => excerpt(error.as_bytes()),
            (error, more) => excerpt(format!("{error}, {more}").as_bytes()),
        };
        return Err(TokenError::Refused { status, said });
    }
    let value = text("access_token");
    if value.is_empty() {
        return Err(TokenError::NoToken {
            said: "its answer has no access_token",
        });
    }
    if !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(TokenError::NoToken {
            said: "its access_token cannot stand in a header",
        });
    }
    if !text("token_type").is_empty() && !text("token_type").eq_ignore_ascii_case("bearer") {
        return Err(TokenError::NoToken {
            said: "its token_type is another",
        });
    }
    // Some write the number as a text.
    let lives = match &json["expires_in"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    };
    Ok(AccessToken {
        value: value.to_owned(),
        lives: lives
            .filter(|s: &f64| *s > 0.0)
            .map(|s| Duration::from_secs_f64(s.min(1e9))),
    })
}

/// A value in `application/x-www-form-urlencoded`.
fn form(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                text.push(char::from(byte));
            }
            b' ' => text.push('+'),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_token_or_says_why_not() {
        let good = br#"{"access_token":"abc","token_type":"bearer","expires_in":3600}"#;
        let token = read(200, good).expect("a token");
        assert_eq!(token.value, "abc");
        assert_eq!(token.lives, Some(Duration::from_secs(3_600)));
        assert!(!format!("{token:?}").contains("abc"));
        let refused = br#"{"error":"invalid_scope","error_description":"no such scope"}"#;
        assert_eq!(
            read(400, refused).map_err(|e| e.to_string()),
            Err("the token endpoint refuses (HTTP 400: invalid_scope, no such scope): check client id, secret and scope".to_owned())
        );
        for bad in [
            &b"<html>"[..],
            br#"{"token_type":"bearer"}"#,
            br#"{"access_token":"a\r\nX: y"}"#,
            br#"{"access_token":"abc","token_type":"mac"}"#,
        ] {
            let error = read(200, bad).expect_err("no token").to_string();
            assert!(error.contains("gives no bearer token") && !error.contains("abc"));
        }
        for (body, lives) in [
            (&br#"{"access_token":"a","expires_in":"60"}"#[..], Some(60)),
            (br#"{"access_token":"a","expires_in":-1}"#, None),
            (br#"{"access_token":"a"}"#, None),
        ] {
            let token = read(200, body).expect("a token");
            assert_eq!(token.lives.map(|l| l.as_secs()), lives);
        }
    }

    #[test]
    fn the_secret_stands_where_it_belongs_and_is_encoded() {
        let who = ClientCredentials {
            token_url: Endpoint::parse("http://127.0.0.1:9/token").expect("a URL"),
            id: "load test".to_owned(),
            secret: "a&b=c:d".to_owned(),
            scope: Some("mcp:read mcp:call".to_owned()),
            resource: None,
        };
        assert!(!format!("{who:?}").contains("a&b"));
        let text = |in_body| {
            let request = who.request(in_body).expect("a request");
            String::from_utf8(request).expect("text")
        };
        let (head, body) = text(false)
            .split_once("\r\n\r\n")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("a head");
        let pair = STANDARD.encode("load+test:a%26b%3Dc%3Ad");
        assert!(
            head.contains(&format!("Authorization: Basic {pair}")),
            "{head}"
        );
        assert_eq!(
            body,
            "grant_type=client_credentials&scope=mcp%3Aread+mcp%3Acall"
        );
        let in_body = text(true);
        assert!(!in_body.contains("Authorization"));
        assert!(in_body.contains("&client_id=load+test&client_secret=a%26b%3Dc%3Ad&"));
    }
}
