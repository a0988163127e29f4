//! The environment of the erlmcp test kit, taken over as it is: CLIENT_TYPE and the like. Flags win over it.

use crate::cli::Cli;
use anyhow::{Context, Result};
use record::units;
use std::time::Duration;

/// Fills in from the environment what no flag has said. An empty variable changes nothing.
///
/// # Errors
/// A variable whose value cannot be read, with its name.
pub fn fill(cli: &mut Cli) -> Result<()> {
    if cli.profile.is_none() {
        cli.profile = var("CLIENT_TYPE");
    }
    if let (None, Some(text)) = (cli.clients, var("CLIENT_COUNT")) {
        cli.clients = Some(
            text.parse()
                .with_context(|| format!("CLIENT_COUNT is {text:?}, not a number of clients"))?,
        );
    }
    if let (None, false, Some(text)) = (cli.rate, cli.closed, var("MESSAGE_RATE")) {
        cli.rate = Some(units::rate(&text).context("in MESSAGE_RATE")?);
    }
    if let (None, Some(text)) = (cli.for_, var("DURATION_SECONDS")) {
        let seconds: f64 = text
            .parse()
            .ok()
            .filter(|s| (0.0..3.2e7).contains(s))
            .with_context(|| format!("DURATION_SECONDS is {text:?}, not a number of seconds"))?;
        cli.for_ = Some(Duration::from_secs_f64(seconds));
    }
    if let (true, None, Some(text)) = (cli.url.is_empty(), &cli.stdin, var("TARGET_SERVERS")) {
        cli.url = text
            .split([',', ' '])
            .filter(|s| !s.is_empty())
            .map(server_url)
            .collect();
    }
    Ok(())
}

fn var(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .map(|v| v.trim().to_owned())
        .filter(|v| !v.is_empty())
}

/// The test kit wrote `host:port` and meant WebSocket at /mcp.
fn server_url(text: &str) -> String {
    if text.contains("://") {
        text.to_owned()
    } else {
        format!("ws://{text}/mcp")
    }
}
