//! The environment of the erlmcp test kit, taken over as it is: CLIENT_TYPE and the like. Flags win over it.

use crate::cli::Cli;
use crate::metrics::{self, Token};
use crate::profile::Profile;
use crate::shape::Quantity;
use crate::wish::MAX_CLIENTS;
use anyhow::{Context, Result, bail};
use protocol::endpoint::Endpoint;
use record::units;
use std::time::Duration;

/// Fills in from the environment what no flag has said. An empty variable changes nothing.
///
/// # Errors
/// A variable whose value cannot be read, with its name.
pub fn fill(cli: &mut Cli) -> Result<()> {
    if let (true, Some(name)) = (cli.profile.is_empty(), var("CLIENT_TYPE")) {
        // Said here, since later nobody knows any more that it was no flag.
        if let Err(text) = Profile::find(&name) {
            bail!("CLIENT_TYPE is {name:?}: {text}");
        }
        cli.profile = vec![name];
    }
    if let (None, false, Some(text)) = (
        cli.clients,
        shaped(cli, Quantity::Clients),
        var("CLIENT_COUNT"),
    ) {
        cli.clients = Some(
            text.parse()
                .ok()
                .filter(|n| (1..=MAX_CLIENTS).contains(n))
                .with_context(|| {
                    format!(
                        "CLIENT_COUNT is {text:?}, not a number of clients from 1 to {MAX_CLIENTS}"
                    )
                })?,
        );
    }
    let has_rate = cli.closed
        || cli.total_rate.is_some()
        || cli.find_knee.is_some()
        || shaped(cli, Quantity::Rate);
    if let (None, false, Some(text)) = (cli.rate, has_rate, var("MESSAGE_RATE")) {
        cli.rate = Some(units::rate(&text).with_context(|| format!("MESSAGE_RATE is {text:?}"))?);
    }
    let has_length = cli.stages.is_some() || cli.find_knee.is_some();
    if let (None, false, Some(text)) = (cli.for_, has_length, var("DURATION_SECONDS")) {
        let seconds: f64 = text
            .parse()
            .ok()
            .filter(|s| *s > 0.0 && *s < 3.2e7)
            .with_context(|| {
                format!("DURATION_SECONDS is {text:?}, not a number of seconds above 0")
            })?;
        cli.for_ = Some(Duration::from_secs_f64(seconds));
    }
    if let (true, None, Some(text)) = (cli.url.is_empty(), &cli.stdin, var("TARGET_SERVERS")) {
        cli.url = text
            .split([',', ' '])
            .filter(|s| !s.is_empty())
            .map(server_url)
            .collect::<Result<_>>()?;
    }
    if cli.metrics_addr.is_none() {
        cli.metrics_addr = metrics_port()?.map(metrics::on_loopback);
    }
    Ok(())
}

/// The token that controls the run, of a file or of the environment.
///
/// # Errors
/// A sentence: there is one, and it cannot be read or is none.
pub fn metrics_token(cli: &Cli) -> Result<Option<Token>, String> {
    match (&cli.metrics_token_file, var("METRICS_TOKEN")) {
        (Some(path), _) => Token::read(path).map(Some),
        (None, Some(text)) => match Token::new(&text) {
            Ok(token) => Ok(Some(token)),
            Err(e) => Err(format!("METRICS_TOKEN: {e}")),
        },
        (None, None) => Ok(None),
    }
}

/// The port to serve metrics at, where the environment wants them: it names one, or says that they are enabled.
fn metrics_port() -> Result<Option<u16>> {
    let enabled = match var("METRICS_ENABLED")
        .map(|v| v.to_ascii_lowercase())
        .as_deref()
    {
        None => None,
        Some("true" | "1" | "yes" | "on") => Some(true),
        Some("false" | "0" | "no" | "off") => Some(false),
        Some(other) => bail!("METRICS_ENABLED is {other:?}: write true or false"),
    };
    if enabled == Some(false) {
        return Ok(None);
    }
    let usual = enabled.map(|_| metrics::USUAL_PORT);
    let Some(text) = var("METRICS_PORT") else {
        return Ok(usual);
    };
    let port = text.parse().ok();
    port.map(Some)
        .with_context(|| format!("METRICS_PORT is {text:?}, not a port from 0 to 65535"))
}

/// Whether --stages says already how many clients, or calls, there are.
fn shaped(cli: &Cli, of: Quantity) -> bool {
    cli.stages.as_ref().is_some_and(|s| s.of == of)
}

fn var(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .map(|v| v.trim().to_owned())
        .filter(|v| !v.is_empty())
}

/// The test kit wrote `host:port` and meant WebSocket at /mcp.
fn server_url(text: &str) -> Result<String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else if text.contains('/') {
        bail!("TARGET_SERVERS has {text:?}: write host:port, or a whole URL with ws:// or http://")
    } else {
        format!("ws://{text}/mcp")
    };
    Endpoint::parse(&url).with_context(|| format!("TARGET_SERVERS has {text:?}"))?;
    Ok(url)
}
