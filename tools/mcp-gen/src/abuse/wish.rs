//! How often each kind of abuse is wanted: shares of the calls that are due, from flags and profiles.

use super::kind::Kind;
use crate::cli::Cli;
use crate::profile::Profile;
use record::units;
use serde::de::{Deserialize, Deserializer, Error};
use std::collections::BTreeMap;

/// For each kind the share of a profile's due calls, from 0 to 1, that it comes on top with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares([Option<f64>; Kind::ALL.len()]);

impl Shares {
    /// The share of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> f64 {
        self.0[kind as usize].unwrap_or(0.0)
    }

    /// Whether there is any abuse at all.
    #[must_use]
    pub fn is_any(&self) -> bool {
        Kind::ALL.iter().any(|kind| self.of(*kind) > 0.0)
    }

    /// What is named here wins; `all` stands for what is not named.
    fn read<'a>(named: impl Iterator<Item = (&'a str, f64)>) -> Result<Self, String> {
        let (mut shares, mut rest) = (Self::default(), None);
        for (name, share) in named {
            match name {
                "all" => rest = Some(share),
                name => shares.0[name.parse::<Kind>()? as usize] = Some(share),
            }
        }
        shares.0.iter_mut().for_each(|s| *s = s.or(rest));
        Ok(shares)
    }

    fn or(self, other: Self) -> Self {
        let mut both = self;
        for (own, others) in both.0.iter_mut().zip(other.0) {
            *own = own.or(others);
        }
        both
    }
}

impl<'de> Deserialize<'de> for Shares {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(transparent)]
        struct Share(#[serde(deserialize_with = "crate::profile::unit::share")] f64);
        let table = BTreeMap::<String, Share>::deserialize(deserializer)?;
        let named = table.iter().map(|(name, share)| (name.as_str(), share.0));
        Self::read(named).map_err(D::Error::custom)
    }
}

/// Reads an `--abuse`: `malformed_json=1%`, `all=0.1%`.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn parse(text: &str) -> Result<(String, f64), String> {
    let (name, share) = text
        .split_once('=')
        .ok_or("write it as malformed_json=1%, or all=0.1%; mcp-gen abuse lists the kinds")?;
    if name != "all" {
        name.parse::<Kind>()?;
    }
    let share = units::share(share).map_err(|e| e.to_string())?;
    Ok((name.to_owned(), share))
}

/// Lets the flags win over the profiles, kind by kind.
///
/// # Errors
/// A sentence: nothing says how many calls are due, so that a share of them says nothing either.
pub fn wanted(cli: &Cli, profiles: &mut [Profile]) -> Result<(), String> {
    let flags = Shares::read(
        cli.abuse
            .iter()
            .map(|(name, share)| (name.as_str(), *share)),
    )?;
    for profile in profiles.iter_mut() {
        profile.abuse = flags.or(profile.abuse);
    }
    if cli.closed && profiles.iter().any(|p| p.abuse.is_any()) {
        return Err("abuse is a share of the calls that are due on a schedule, and the closed model has none: give a --rate instead of --closed or think time".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_wins_over_all_and_flags_over_profiles() {
        let profile: Shares = toml::from_str("all = \"1%\"\nhalf_open = 0.5\n").unwrap();
        let flags = [parse("half_open=0%"), parse("disconnect=20%")].map(Result::unwrap);
        let flags = Shares::read(flags.iter().map(|(n, s)| (n.as_str(), *s))).unwrap();
        let both = flags.or(profile);
        assert_eq!(
            [Kind::HalfOpen, Kind::Disconnect, Kind::NeverReads].map(|k| both.of(k)),
            [0.0, 0.2, 0.01]
        );
        assert!(both.is_any() && !Shares::default().is_any());
    }

    #[test]
    fn what_is_no_kind_or_share_is_told_with_what_there_is() {
        for (text, part) in [
            ("half_open", "malformed_json=1%"),
            ("halfopen=1%", "half_open"),
            ("all=2", "1%"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
        assert!(toml::from_str::<Shares>("slowloris = 1").is_err());
    }
}
