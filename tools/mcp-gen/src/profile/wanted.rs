//! The profiles that the command line asks for, with what its flags say in place of their own values.

use super::Profile;
use crate::abuse;
use crate::cli::Cli;
use crate::shape::Quantity;
use crate::wish::MAX_CLIENTS;

/// A profile with think time is of the closed model, and so is then the whole run, unless flags give it a rate or search one.
///
/// # Errors
/// A sentence: some profiles are closed and others are not, or one cannot be read.
pub fn choose_model(cli: &mut Cli) -> Result<(), String> {
    let has_rate = cli.rate.is_some()
        || cli.total_rate.is_some()
        || cli.find_knee.is_some()
        || cli.stages.as_ref().is_some_and(|s| s.of == Quantity::Rate);
    if cli.closed || has_rate {
        return Ok(());
    }
    let mut closed = Vec::new();
    let mut open = Vec::new();
    for text in &cli.profile {
        let (origin, toml) = Profile::text(split(text)?.0)?;
        let profile = Profile::parse(&origin, &toml)?;
        if profile.think.is_some() {
            &mut closed
        } else {
            &mut open
        }
        .push(profile.name);
    }
    match (closed.first(), open.first()) {
        (Some(closed), Some(open)) => Err(format!(
            "the profile {closed} has think time and {open} has a rate, and a run is closed or open as a whole: give a --rate for all, or --closed"
        )),
        (Some(_), None) => {
            cli.closed = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Reads `--profile NAME[=CLIENTS]…` and the flags that change profiles.
///
/// # Errors
/// A sentence on what cannot be.
pub fn wanted(cli: &Cli) -> Result<Vec<Profile>, String> {
    let normal = ["normal".to_owned()];
    let named = match cli.profile.as_slice() {
        [] => &normal[..],
        named => named,
    };
    let mut profiles: Vec<Profile> = Vec::new();
    for text in named {
        let mut profile = one(text, cli, named.len() > 1)?;
        if profiles.iter().any(|p| p.name == profile.name) {
            return Err(format!(
                "two profiles are called {:?}, and their figures could not be told apart: name each once, and give files names of their own",
                profile.name
            ));
        }
        if let Some(rate_per_s) = cli.rate {
            profile.rate_per_s = rate_per_s;
        }
        if let Some(bytes) = cli.payload {
            profile.payload_bytes = bytes as usize;
        }
        if let Some(think) = cli.think {
            profile.think = Some(think);
        }
        if let Some(lifetime) = cli.connection_lifetime {
            profile.connection_lifetime = Some(lifetime);
        }
        if let Some(calls) = cli.churn {
            profile.calls_per_connection = Some(calls);
        }
        if let Some(leave) = cli.leave {
            profile.leave = leave;
        }
        profile.call_deleted |= cli.call_deleted;
        if let Some(delay) = cli.reconnect_delay {
            profile.reconnect_delay = delay;
        }
        if let Some(timeout) = cli.timeout {
            profile.timeout = timeout;
        }
        if let Some(most) = cli.batch {
            profile.batch = most;
        }
        cli.manners.put_into(&mut profile);
        profiles.push(profile);
    }
    abuse::wanted(cli, &mut profiles)?;
    let clients: u64 = profiles.iter().map(|p| u64::from(p.clients)).sum();
    if clients > u64::from(MAX_CLIENTS) {
        return Err(format!(
            "{clients} clients cannot be: use 1 to {MAX_CLIENTS} over all profiles"
        ));
    }
    Ok(profiles)
}

/// The parts of a `--profile`: a name, and perhaps a number of clients. A file's name may hold a `=`, so one that ends in
/// `.toml` has none.
fn split(text: &str) -> Result<(&str, Option<u32>), String> {
    match text.rsplit_once('=') {
        Some((name, number)) if !text.ends_with(".toml") => {
            let number = number.parse::<u32>().map_err(|_| {
                format!("{number:?} in --profile {text} is no number of clients: write --profile {name}=25")
            })?;
            Ok((name, Some(number)))
        }
        _ => Ok((text, None)),
    }
}

/// One `--profile`.
fn one(text: &str, cli: &Cli, is_one_of_several: bool) -> Result<Profile, String> {
    let (name, own) = split(text)?;
    let mut profile = Profile::find(name)?;
    let clients = match (own, cli.clients) {
        (Some(own), Some(all)) => {
            return Err(format!(
                "--profile {text} asks for {own} clients and --clients for {all}: leave one out"
            ));
        }
        (None, Some(all)) if is_one_of_several => {
            return Err(format!(
                "with several profiles --clients {all} does not say whose: write --profile {name}={all}"
            ));
        }
        (own, all) => own.or(all).unwrap_or(profile.clients),
    };
    if clients == 0 || clients > MAX_CLIENTS {
        return Err(format!(
            "{clients} clients cannot be: use 1 to {MAX_CLIENTS}"
        ));
    }
    profile.clients = clients;
    Ok(profile)
}
