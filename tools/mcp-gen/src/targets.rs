//! The targets by name, in the order in which they came, as they stand now.

use protocol::endpoint::Endpoint;
use record::kind::Target;

/// All targets that were named.
#[derive(Default)]
pub struct Targets(Vec<Target>);

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
        for url in urls {
            all.put(Target {
                url: url.clone(),
                ..Target::default()
            });
        }
        all
    }

    /// Takes in a record: a known name is replaced, a new one added.
    pub fn put(&mut self, target: Target) -> Change {
        match self.0.iter().position(|t| t.key() == target.key()) {
            Some(i) => {
                let old = &mut self.0[i];
                let same = old.url == target.url && old.is_gone() == target.is_gone();
                *old = target;
                if same { Change::None } else { Change::Changed }
            }
            None if self.0.len() < MAX_TARGETS => {
                self.0.push(target);
                Change::Changed
            }
            None => Change::None,
        }
    }

    /// All of them, gone ones too: places never change.
    #[must_use]
    pub fn all(&self) -> &[Target] {
        &self.0
    }

    /// Whether anything can be called.
    #[must_use]
    pub fn has_live(&self) -> bool {
        self.0.iter().any(|t| !t.is_gone())
    }
}

/// The endpoint of a target, or a sentence on why this tool cannot call it.
///
/// # Errors
/// The URL cannot be used.
pub fn endpoint(target: &Target) -> Result<Endpoint, String> {
    let endpoint = Endpoint::parse(&target.url).map_err(|e| format!("{}: {e}", target.key()))?;
    let by_url = endpoint.scheme.transport().name();
    match target.transport.as_deref() {
        Some(transport @ ("sse" | "stdio")) => Err(format!(
            "{}: the transport {transport} is not spoken yet; use ws, http or tcp",
            target.key()
        )),
        Some(transport) if transport != by_url => Err(format!(
            "{}: its transport is said to be {transport}, and its URL is one of {by_url}: correct one of them, or leave transport away",
            target.key()
        )),
        _ => Ok(endpoint),
    }
}
