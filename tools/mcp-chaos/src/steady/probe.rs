//! Calls of our own, where no load comes by: each target is met anew, again and again, as a client would meet it.

use crate::cli::TOOL;
use protocol::client::{Options, probe};
use protocol::endpoint::Endpoint;
use protocol::tls::{Roots, client_config};
use record::clock;
use record::kind::Target;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Each target is asked so often: enough to see errors within seconds, and no load.
const EVERY: Duration = Duration::from_millis(200);
/// An answer that takes longer is an error.
const TIMEOUT: Duration = Duration::from_secs(2);
/// So many targets are asked; each has a thread.
const MAX_TARGETS: usize = 64;

/// One call that was made.
#[derive(Debug)]
pub struct Probed {
    /// When it ended, in Unix microseconds.
    pub at_us: u64,
    /// How long it took.
    pub took_us: Option<u64>,
    /// What was wrong, where it was not answered well.
    pub wrong: Option<String>,
}

/// Asks all targets until `over` is set.
pub fn begin(
    targets: Vec<Target>,
    over: &Arc<AtomicBool>,
    tell: impl Fn(Probed) + Clone + Send + 'static,
) {
    for target in targets.into_iter().take(MAX_TARGETS) {
        let (over, tell) = (Arc::clone(over), tell.clone());
        std::thread::spawn(move || {
            // Reading the system's certificates takes a while: once is enough.
            let asking = asking(&target);
            while !over.load(Relaxed) {
                let began = Instant::now();
                let asked = match &asking {
                    Ok((endpoint, options)) => probe(endpoint, options).map_err(|e| e.to_string()),
                    Err(wrong) => Err(wrong.clone()),
                };
                let took = began.elapsed();
                tell(Probed {
                    at_us: clock::unix_us(),
                    took_us: asked.is_ok().then_some(took.as_micros() as u64),
                    wrong: asked.err(),
                });
                std::thread::sleep(EVERY.saturating_sub(took));
            }
        });
    }
}

fn asking(target: &Target) -> Result<(Endpoint, Options), String> {
    let url = target.origin_url.as_deref().unwrap_or(&target.url);
    let endpoint = Endpoint::parse(url).map_err(|e| e.to_string())?;
    let tls = match endpoint.scheme.is_tls() {
        true => Some(client_config(Roots::System, &[b"http/1.1"]).map_err(|e| e.to_string())?),
        false => None,
    };
    let options = Options {
        tls,
        timeout: TIMEOUT,
        host_header: target.host_header.clone(),
        tls_server_name: target.tls_server_name.clone(),
        old_transport: target.transport.as_deref() == Some("sse"),
        client_name: TOOL.to_owned(),
        ..Options::default()
    };
    Ok((endpoint, options))
}
