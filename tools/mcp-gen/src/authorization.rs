//! Authorization: who the load says it is, by headers from the command line, files and the environment, or by a token that
//! is fetched before the load and renewed while it goes on.

use crate::cli::Cli;
use protocol::client::{AccessToken, ClientCredentials, Options, TokenError};
use protocol::endpoint::Endpoint;
use protocol::tls::{self, Roots};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Names and values of headers.
pub type Headers = Vec<(String, String)>;

/// A file that is larger holds something else than headers or a secret.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// The token endpoint has this long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A token is renewed so long before it ends, or where it is short-lived after three quarters of its life.
const EARLY: Duration = Duration::from_secs(60);
/// Who gives tokens that live for no time at all is not asked without end.
const LEAST_WAIT: Duration = Duration::from_millis(500);
/// After a failure it is tried again this much later, at most.
const RETRY: Duration = Duration::from_secs(10);

/// The user's headers: each `--header` (also `@FILE`, as curl has it), and each `--header-env`.
///
/// # Errors
/// A sentence without any value.
pub fn headers(cli: &Cli) -> Result<Headers, String> {
    let mut headers = Headers::new();
    for given in &cli.header {
        match given.strip_prefix('@') {
            Some(path) => headers.extend(in_file(path)?),
            None => headers.push(header(given)?),
        }
    }
    for given in &cli.header_env {
        let (name, variable) = given
            .split_once('=')
            .ok_or("write --header-env as Name=VARIABLE")?;
        let value = std::env::var(variable).map_err(|_| {
            format!("--header-env {given}: the environment has no {variable}, or it is no text")
        })?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let of_oauth = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("authorization");
    if cli.oauth_token_url.is_some() && headers.iter().any(|h| of_oauth(&h)) {
        return Err("--oauth-token-url gives the Authorization header, and a --header does too: leave one out".to_owned());
    }
    Ok(headers)
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write a header as 'Name: value', or @FILE for a file with such lines")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A header on each line; empty ones and those that begin with `#` are left out.
fn in_file(path: &str) -> Result<Headers, String> {
    let text = read(Path::new(path))?;
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let headers = lines.enumerate().map(|(n, line)| {
        // Not what stands there, which may be a secret.
        header(line).map_err(|_| format!("header {} in {path} is no 'Name: value'", n + 1))
    });
    headers.collect()
}

fn read(path: &Path) -> Result<String, String> {
    let said = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
    let length = std::fs::metadata(path).map_err(said)?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!(
            "{} is {length} bytes long, which no header or secret is",
            path.display()
        ));
    }
    std::fs::read_to_string(path).map_err(said)
}

/// Where tokens come from.
#[derive(Clone, Debug)]
pub struct Source {
    credentials: ClientCredentials,
    options: Options,
}

impl Source {
    /// What the flags say of it; `None` where tokens are not wanted.
    ///
    /// # Errors
    /// A sentence: what is missing, or cannot be read.
    pub fn of(cli: &Cli) -> Result<Option<Self>, String> {
        let (Some(url), Some(id)) = (&cli.oauth_token_url, &cli.oauth_client_id) else {
            return Ok(None);
        };
        let secret = match (&cli.oauth_client_secret_file, std::env::var("OAUTH_CLIENT_SECRET")) {
            (Some(path), _) => read(path)?,
            // An empty variable changes nothing.
            (None, Ok(secret)) if !secret.trim().is_empty() => secret,
            (None, _) => return Err("the client's secret is missing: give --oauth-client-secret-file FILE, or OAUTH_CLIENT_SECRET in the environment".to_owned()),
        };
        let token_url = Endpoint::parse(url).map_err(|e| format!("--oauth-token-url: {e}"))?;
        let tls = match (token_url.scheme.is_tls(), &cli.ca_file, cli.insecure) {
            (false, ..) => None,
            (true, Some(file), _) => Some(Roots::File(file.clone())),
            (true, None, true) => Some(Roots::Insecure),
            (true, None, false) => Some(Roots::System),
        };
        let tls = tls.map(|roots| tls::client_config(roots, &[])).transpose();
        Ok(Some(Self {
            credentials: ClientCredentials {
                token_url,
                id: id.clone(),
                secret: secret.trim().to_owned(),
                scope: cli.oauth_scope.clone(),
                resource: cli.oauth_resource.clone(),
            },
            options: Options {
                timeout: PATIENCE,
                tls: tls.map_err(|e| e.to_string())?,
                ..Options::default()
            },
        }))
    }

    /// Fetches tokens for as long as the process lives, and tells of each, and of each failure. Nothing waits for it but
    /// who wants the first one.
    pub fn keep(self, tell: impl Fn(Result<String, TokenError>) -> bool + Send + 'static) {
        thread::spawn(move || {
            let mut ends: Option<Instant> = None;
            loop {
                let asked = Instant::now();
                let wait = match self.credentials.fetch(&self.options) {
                    Ok(AccessToken { value, lives }) => {
                        if !tell(Ok(value)) {
                            return;
                        }
                        // One of which nobody knows how long it lives is kept until the server says no.
                        let Some(lives) = lives else { return };
                        ends = Some(asked + lives);
                        lives - EARLY.min(lives / 4)
                    }
                    Err(error) => {
                        // Without a first token there is no load.
                        if !tell(Err(error)) || ends.is_none() {
                            return;
                        }
                        let left = ends.map(|at| at.saturating_duration_since(Instant::now()));
                        RETRY.min(left.unwrap_or(RETRY) / 4)
                    }
                };
                thread::sleep(wait.max(LEAST_WAIT).saturating_sub(asked.elapsed()));
            }
        });
    }
}

/// Puts a token among the headers, in place of an earlier one.
pub fn put(headers: &mut Headers, token: &str) {
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
}
