//! The targets by name, in the order in which they came, as they stand now.

use crate::cli::Cli;
use protocol::endpoint::Endpoint;
use record::kind::Target;

/// All targets that were named.
#[derive(Default)]
pub struct Targets {
    all: Vec<Target>,
    /// So many of them, the first, are from the command line.
    typed: usize,
}

/// What a record has changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that matters to clients.
    None,
    /// A target is new, is somewhere else, came back, or is gone.
    Changed,
}

/// More would be no fleet but an accident.
const MAX_TARGETS: usize = 10_000;

impl Targets {
    /// Targets for URLs of the command line.
    #[must_use]
    pub fn from_urls(urls: &[String]) -> Self {
        let mut all = Self::default();
        for (i, url) in urls.iter().enumerate() {
            // A command line is long, may hold secrets, and is no name.
            let is_command = url.starts_with("stdio:");
            all.put(Target {
                name: is_command.then(|| format!("stdio-{}", i + 1)),
                url: url.clone(),
                ..Target::default()
            });
        }
        all.typed = all.all.len();
        all
    }

    /// Those of the command line.
    #[must_use]
    pub fn typed(&self) -> &[Target] {
        &self.all[..self.typed]
    }

    /// Takes in a record: a known name is replaced, a new one added.
    pub fn put(&mut self, target: Target) -> Change {
        match self.all.iter().position(|t| t.key() == target.key()) {
            Some(i) => {
                let old = &mut self.all[i];
                let same = old.url == target.url && old.is_gone() == target.is_gone();
                *old = target;
                if same { Change::None } else { Change::Changed }
            }
            None if self.all.len() < MAX_TARGETS => {
                self.all.push(target);
                Change::Changed
            }
            None => Change::None,
        }
    }

    /// All of them, gone ones too: places never change.
    #[must_use]
    pub fn all(&self) -> &[Target] {
        &self.all
    }

    /// Whether anything can be called.
    #[must_use]
    pub fn has_live(&self) -> bool {
        self.all.iter().any(|t| !t.is_gone())
    }
}

/// Which commands may be run.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// Those that come in records, too.
    all: bool,
    /// What was typed.
    typed: Vec<String>,
}

impl Allowed {
    /// What the command line allows.
    #[must_use]
    pub fn by(cli: &Cli) -> Self {
        Self {
            all: cli.allow_exec,
            typed: cli.url.clone(),
        }
    }
}

/// The endpoint of a target, or a sentence on why this tool cannot call it.
///
/// # Errors
/// The URL cannot be used, or is a command that nobody has allowed.
pub fn endpoint(target: &Target, allowed: &Allowed) -> Result<Endpoint, String> {
    let endpoint = Endpoint::parse(&target.url).map_err(|e| format!("{}: {e}", target.key()))?;
    let by_url = endpoint.scheme.transport().name();
    match target.transport.as_deref() {
        _ if by_url == "stdio" && !allowed.all && !allowed.typed.contains(&target.url) => {
            Err(format!(
                "{}: a record asks to run a command ({}): allow that with --allow-exec, or give it with --stdio",
                target.key(),
                endpoint.path
            ))
        }
        Some("sse") if by_url == "http" => Ok(endpoint),
        Some(transport) if transport != by_url => Err(format!(
            "{}: its transport is said to be {transport}, and its URL is one of {by_url}: correct one of them, or leave transport away",
            target.key()
        )),
        _ => Ok(endpoint),
    }
}
