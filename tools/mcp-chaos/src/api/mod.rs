//! Toxiproxy's HTTP API, so that its client libraries drive our proxies.
//!
//! A request becomes something that is asked (`asked.rs`), without a lock and without a socket of the relay; that is
//! carried out one after the other on the state (`state.rs`), and the answer is written as Toxiproxy would
//! (`shown.rs`). What clients put in is told as `fault` records (`told.rs`), ends with the process, and never touches
//! the faults of the plan.

mod address;
mod asked;
mod book;
mod carrier;
mod desk;
mod fields;
mod metrics;
mod paper;
mod path;
mod proxies;
mod refusal;
mod shown;
mod state;
mod told;
mod toxics;
mod types;

pub use paper::Paper;
pub use told::Told;

use crate::proxy::Proxies;
use carrier::Carrier;
use control::{Callers, Limits, Token};
use desk::Desk;
use record::kind::Event;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Toxiproxy's port.
pub const USUAL_PORT: u16 = 8_474;

const LIMITS: Limits = Limits {
    head_bytes: 16 * 1024,
    body_bytes: 1024 * 1024,
    with_body: &["POST", "PATCH"],
    takes_chunks: true,
    connections: 100,
    patience: Duration::from_secs(10),
    nice: 0,
};

/// Where the API is to be, and who may ask.
#[derive(Debug)]
pub struct Place {
    address: SocketAddr,
    token: Option<Token>,
}

impl Place {
    /// An address, and the file with the token, which is needed elsewhere than on loopback.
    ///
    /// # Errors
    /// A sentence: there is no token, or it cannot be read.
    pub fn new(address: SocketAddr, token: Option<&Path>) -> Result<Self, String> {
        let token = token.map(Token::read).transpose()?;
        if token.is_none() && !address.ip().is_loopback() {
            return Err(format!(
                "--api {address} can be reached from other machines, so it needs a token: give --api-token-file, or --api :{}",
                address.port()
            ));
        }
        Ok(Self { address, token })
    }
}

/// Reads the address of `--api`.
///
/// # Errors
/// A sentence: it is none.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    control::address(text, USUAL_PORT)
}

/// The API, as long as the process lives.
pub struct Api {
    desk: Arc<Desk>,
    address: SocketAddr,
}

impl Api {
    /// Serves it. `tell` is called, from threads of its own, with each fault that begins or ends over it; it must not
    /// block. `seed` is that of all that is drawn.
    ///
    /// # Errors
    /// A sentence: the address cannot be had.
    pub fn serve(
        place: Place,
        proxies: Proxies,
        seed: u64,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let Place { address, token } = place;
        let callers = Callers {
            is_local: address.ip().is_loopback(),
            token,
            token_option: "--api-token-file",
            what: "the proxies",
            local_option: "--api 127.0.0.1:8474",
        };
        let carrier = Carrier::Relay(proxies);
        let desk = Arc::new(Desk::new(callers, carrier, seed, tell));
        let ours = Arc::clone(&desk);
        TcpListener::bind(address)
            .and_then(|listener| {
                let address = listener.local_addr()?;
                let answer = move |request: &control::Request| ours.answer(request);
                control::serve(listener, "api", LIMITS, answer, |_| ())?;
                Ok(Self { desk, address })
            })
            .map_err(|e| {
                format!("cannot serve the API at {address}: {e}; give another --api, or port 0 for one that is free")
            })
    }

    /// Where it is served.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same for the stream.
    #[must_use]
    pub fn event(&self) -> Event {
        let url = self.url();
        Event {
            event: "api_served".to_owned(),
            text: Some(format!("Toxiproxy's API is served at {url}")),
            url: Some(url),
            ..Event::default()
        }
    }

    /// Takes back all that was put in over it, tells so, and takes no more.
    pub fn wind_down(&self) {
        self.desk.wind_down();
    }
}
