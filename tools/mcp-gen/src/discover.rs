//! Finding out how each server speaks and what it offers: once per origin, before its clients connect.

use crate::children::{Children, Fate};
use crate::cli::Cli;
use crate::targets::{self, Allowed};
use protocol::client::{self, Dial, Discovery, DiscoveryError, Options};
use protocol::endpoint::{Endpoint, Scheme};
use protocol::tls::{self, Roots};
use protocol::wire::Wire;
use record::kind::Target;
use rustls::ClientConfig;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many servers are asked at a time.
const AT_ONCE: usize = 16;

/// What one server said, or why it said nothing.
pub type Found = Result<Arc<Discovery>, Failure>;

/// Why a server cannot be called.
#[derive(Clone, Debug)]
pub struct Failure {
    /// A short name in snake_case.
    pub code: String,
    /// What happened and what to do about it.
    pub text: String,
    /// Whether the server may just be down: then the dialect of its fellows is taken for its own.
    pub may_recover: bool,
}

/// What TLS servers are checked against; `None` where no target speaks TLS.
///
/// # Errors
/// A sentence on the certificates.
pub fn tls_config(cli: &Cli, targets: &[Target]) -> Result<Option<Arc<ClientConfig>>, String> {
    let allowed = Allowed::by(cli);
    let wants = |t: &Target| targets::endpoint(t, &allowed).is_ok_and(|e| e.scheme.is_tls());
    if !targets.iter().any(wants) {
        return Ok(None);
    }
    let roots = match (&cli.ca_file, cli.insecure) {
        (Some(file), _) => Roots::File(file.clone()),
        (None, true) => Roots::Insecure,
        (None, false) => Roots::System,
    };
    tls::client_config(roots, &[])
        .map(Some)
        .map_err(|e| e.to_string())
}

/// Asks the servers of all targets, those of the same origin and path once. The results are in the targets' order.
#[must_use]
pub fn all(targets: &[Target], asking: &Asking) -> Vec<Found> {
    let mut places: Vec<(Key, &Target)> = Vec::new();
    for target in targets {
        let key = Key::of(target);
        if !places.iter().any(|(k, _)| *k == key) {
            places.push((key, target));
        }
    }
    let mut found: HashMap<Key, Found> = HashMap::new();
    for lot in places.chunks(AT_ONCE) {
        let answers = std::thread::scope(|scope| {
            let asked: Vec<_> = lot
                .iter()
                .map(|(key, target)| (key.clone(), scope.spawn(|| one(target, asking))))
                .collect();
            asked
                .into_iter()
                .map(|(key, thread)| (key, thread.join()))
                .collect::<Vec<_>>()
        });
        for (key, answer) in answers {
            let died = || Failure {
                code: "internal".into(),
                text: "discovery died".into(),
                may_recover: false,
            };
            found.insert(key, answer.unwrap_or_else(|_| Err(died())));
        }
    }
    targets
        .iter()
        .filter_map(|t| found.get(&Key::of(t)).cloned())
        .collect()
}

/// What makes two targets the same server, as far as its dialect goes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(String, Option<String>);

impl Key {
    fn of(target: &Target) -> Self {
        Self(target.url.clone(), target.host_header.clone())
    }
}

/// How servers are asked.
pub struct Asking {
    /// How to speak with them.
    pub options: Options,
    /// Which commands may be run.
    pub allowed: Allowed,
    /// Who runs them.
    pub children: Arc<Children>,
}

fn one(target: &Target, asking: &Asking) -> Found {
    let options = &asking.options;
    let endpoint: Endpoint =
        targets::endpoint(target, &asking.allowed).map_err(|text| Failure {
            code: "bad_url".to_owned(),
            text,
            may_recover: false,
        })?;
    let fate: Arc<Mutex<Fate>> = Arc::default();
    let options = Options {
        host_header: options
            .host_header
            .clone()
            .or_else(|| target.host_header.clone()),
        tls_server_name: target.tls_server_name.clone(),
        old_transport: target.transport.as_deref() == Some("sse"),
        dial: (endpoint.scheme == Scheme::Stdio).then(|| dial(target, &endpoint, asking, &fate)),
        ..options.clone()
    };
    client::discover(&endpoint, &options)
        .map(Arc::new)
        .map_err(|e| Failure {
            code: e.code().to_owned(),
            may_recover: may_recover(&e),
            text: match fate_of(&fate) {
                Some(end) => format!("{}: {e} ({end})", target.key()),
                None => format!("{}: {e}", target.key()),
            },
        })
}

/// Starts the server of a command anew for each conversation; `fate` is that of the last.
fn dial(target: &Target, endpoint: &Endpoint, asking: &Asking, fate: &Arc<Mutex<Fate>>) -> Dial {
    let (name, command) = (target.key().to_owned(), endpoint.path.clone());
    let (children, last) = (Arc::clone(&asking.children), Arc::clone(fate));
    Dial::new(move || {
        let (socket, fate) = children.start(&name, &command)?;
        *last.lock().unwrap_or_else(PoisonError::into_inner) = fate;
        Wire::over(socket)
    })
}

fn fate_of(last: &Mutex<Fate>) -> Option<String> {
    let fate: Fate = Arc::clone(&*last.lock().unwrap_or_else(PoisonError::into_inner));
    fate.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether this is what a server that is down for a while looks like.
fn may_recover(error: &DiscoveryError) -> bool {
    matches!(
        error,
        DiscoveryError::ConnectionRefused { .. }
            | DiscoveryError::Unreachable { .. }
            | DiscoveryError::Closed { .. }
            | DiscoveryError::NoAnswer { .. }
    )
}
