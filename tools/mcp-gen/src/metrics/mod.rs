//! Metrics: what a run has come to, for Prometheus and for whoever wants to look at it or to end it, over HTTP.
//!
//! Workers know nothing of it. The collector, on the main thread, puts a snapshot up at each interval; requests are
//! answered from it on threads of their own, which yield to everything else. So a scrape sees what the stream's intervals
//! add up to, and no scrape delays a call.

mod board;
mod buckets;
mod counts;
mod desk;
mod families;
mod status;

pub use board::{Board, Publisher, Snapshot};
pub use control::{Token, on_loopback};
pub use desk::Demand;

use control::Limits;
use record::kind::Event;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// The port that the erlmcp test kit's clients and its controller had.
pub const USUAL_PORT: u16 = 8_888;

const LIMITS: Limits = Limits {
    head_bytes: 8 * 1024,
    body_bytes: 4 * 1024,
    with_body: &["PUT"],
    takes_chunks: false,
    connections: 16,
    patience: Duration::from_secs(3),
    // The load comes first: these threads get their time when nobody else wants it.
    nice: 10,
};

/// Reads the address of --metrics-addr.
///
/// # Errors
/// A sentence: it is none.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    control::address(text, USUAL_PORT)
}

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
                let desk = Arc::new(desk);
                let to_stop = Arc::clone(&desk);
                control::serve(
                    listener,
                    "metrics",
                    LIMITS,
                    move |request| desk.answer(request),
                    // Who asked for the end need not wait for the answer to get it.
                    move |answer| {
                        if answer.then_stop {
                            to_stop.stop();
                        }
                    },
                )?;
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
