//! The profiles that the command line asks for, with what its flags say in place of their own values.

use super::Profile;
use crate::cli::Cli;
use crate::prepare::MAX_CLIENTS;

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
            profile.payload_bytes = bytes.min(super::MAX_PAYLOAD_BYTES) as usize;
        }
        if let Some(timeout) = cli.timeout {
            profile.timeout = timeout;
        }
        profiles.push(profile);
    }
    let clients: u64 = profiles.iter().map(|p| u64::from(p.clients)).sum();
    if clients > u64::from(MAX_CLIENTS) {
        return Err(format!(
            "{clients} clients cannot be: use 1 to {MAX_CLIENTS} over all profiles"
        ));
    }
    Ok(profiles)
}

/// One `--profile`. A file's name may hold a `=`, so only a number behind the last one counts.
fn one(text: &str, cli: &Cli, is_one_of_several: bool) -> Result<Profile, String> {
    let (name, own) = match text.rsplit_once('=') {
        Some((name, number)) if !text.ends_with(".toml") => {
            let number = number.parse::<u32>().map_err(|_| {
                format!("{number:?} in --profile {text} is no number of clients: write --profile {name}=25")
            })?;
            (name, Some(number))
        }
        _ => (text, None),
    };
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
