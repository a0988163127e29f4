//! Metrics: what a run has come to, for Prometheus and for whoever wants to look at it or to end it, over HTTP.
//!
//! Workers know nothing of it. The collector, on the main thread, puts a snapshot up at each interval; requests are
//! answered from it on threads of their own, which yield to everything else. So a scrape sees what the stream's intervals
//! add up to, and no scrape delays a call.

mod address;
mod board;
mod buckets;
mod counts;
mod desk;
mod families;
mod listener;
mod request;
mod status;
mod token;

pub use address::{USUAL_PORT, on_loopback, parse};
pub use board::{Board, Publisher, Snapshot};
pub use desk::Demand;
pub use token::Token;

use record::kind::Event;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Metrics that are being served, as long as the process lives.
pub struct Metrics {
    board: Arc<Board>,
    address: SocketAddr,
}

impl Metrics {
    /// Serves at an address, and tells what is wanted of the run. Elsewhere than on loopback only who knows the token
    /// may want anything.
    ///
    /// # Errors
    /// A sentence: the address cannot be had.
    pub fn serve(
        address: SocketAddr,
        token: Option<Token>,
        tell: impl Fn(Demand) + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let board = Arc::new(Board::default());
        let desk = desk::Desk::new(Arc::clone(&board), address.ip().is_loopback(), token, tell);
        TcpListener::bind(address)
            .and_then(|listener| {
                let address = listener.local_addr()?;
                listener::serve(listener, desk)?;
                Ok(Self { board, address })
            })
            .map_err(|e| {
                format!("cannot serve metrics at {address}: {e}; give another --metrics-addr, or port 0 for one that is free")
            })
    }

    /// Where snapshots are put up.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// Where they are served, for the stream.
    #[must_use]
    pub fn event(&self) -> Event {
        let url = format!("http://{}/metrics", self.address);
        Event {
            event: "metrics_served".to_owned(),
            text: Some(format!("metrics are served at {url}")),
            url: Some(url),
            ..Event::default()
        }
    }
}
