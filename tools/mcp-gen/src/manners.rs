//! How clients behave besides calling: the flags that stand for keys of a profile.

use crate::profile::{LogLevel, MAX_PAGES, Profile, Subscribe};
use clap::Args;
use record::units;
use std::time::Duration;

/// Subscriptions, progress, cancellation, pages, logging.
#[derive(Args, Clone, Debug, Default)]
pub struct Manners {
    /// Subscribe each client to the resources of this URI, * being any characters: 'file:///logs/*'; may be repeated. The
    /// time from a change to its notification is measured where the server says when it was (our own does)
    #[arg(long, value_name = "URI")]
    pub subscribe: Vec<String>,

    /// Ask for progress in this share of the calls of tools, and measure the gaps between its notifications: 100%
    #[arg(long, value_name = "SHARE", value_parser = units::share)]
    pub progress: Option<f64>,

    /// Cancel this share of the calls where they have no answer after --cancel-after: 5%. They count as cancelled, which is
    /// no error
    #[arg(long, value_name = "SHARE", value_parser = units::share)]
    pub cancel: Option<f64>,

    /// How long a call that will be cancelled may take [default: the profile's, which is 100ms]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub cancel_after: Option<Duration>,

    /// Follow lists to so many pages at most, each a call with the cursor of the one before [default: the profile's,
    /// which is 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_PAGES as i64))]
    pub pages: Option<u32>,

    /// Ask servers for log messages from this level on, and count them
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub log_level: Option<LogLevel>,
}

impl Manners {
    /// Puts what the flags say in place of a profile's own values.
    pub fn put_into(&self, profile: &mut Profile) {
        if !self.subscribe.is_empty() {
            profile.subscribe = Some(Subscribe {
                resources: self.subscribe.clone(),
                ..profile.subscribe.take().unwrap_or_default()
            });
        }
        profile.progress = self.progress.unwrap_or(profile.progress);
        profile.cancel = self.cancel.unwrap_or(profile.cancel);
        profile.cancel_after = self.cancel_after.unwrap_or(profile.cancel_after);
        profile.pages = self.pages.map_or(profile.pages, |n| n as usize);
        profile.log_level = self.log_level.or(profile.log_level);
    }
}
