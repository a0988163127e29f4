//! The scene of one act: at which server, by which terms.

use super::kind::Kind;
use super::terms::Terms;
use crate::home::Home;
use crate::plan::Plan;
use protocol::http::HeadOptions;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

/// All that an act needs.
pub struct Scene {
    /// What is done.
    pub kind: Kind,
    /// How connections are made.
    pub plan: Arc<Plan>,
    /// To whom.
    pub home: Arc<Home>,
    /// The user's headers.
    pub headers: Arc<Vec<(String, String)>>,
    /// How TLS servers are checked; HTTP/1.1 is all that is spoken.
    pub tls: Option<Arc<ClientConfig>>,
    /// How long, how large.
    pub terms: Terms,
    /// How long an answer may take, and setting up before the act.
    pub timeout: Duration,
    /// A number of this act's own.
    pub dice: u64,
}

impl Scene {
    /// What the user adds to each request.
    pub fn head_options(&self) -> HeadOptions<'_> {
        HeadOptions {
            host_header: self.home.host_header.as_deref(),
            headers: &self.headers,
        }
    }
}
