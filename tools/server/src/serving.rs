//! Accepts connections, serves each in a task of its own, and lets them finish when it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

use crate::connection::{Connection, Socket};
use crate::guard::canonical;
use crate::http::handle;
use crate::metrics::{Class, Transport};
use crate::state::{Phase, State};

/// How long running calls may take to finish after a stop.
const DRAIN: Duration = Duration::from_millis(900);

/// Accepts until told to stop, then waits for what is running.
pub(crate) async fn accept(
    state: &Arc<State>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut sweep = interval(sweep_every(state.options.limits.idle));
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    welcome(state, stream, number);
                }
                // Out of descriptors, or a client that left before it was taken: neither goes away
                // faster by trying again at once.
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
            _ = sweep.tick() => {
                state.sessions.sweep(state.options.limits.idle);
                state.metrics.set_http_sessions(state.sessions.count());
            }
            () = &mut stop => break,
        }
    }
    drop(listener);
    state.phase.send_replace(Phase::Draining);
    if timeout(DRAIN, state.phase.closed()).await.is_err() {
        state.phase.send_replace(Phase::Ended);
        // Tasks end at their next poll, which is now.
        let _ = timeout(Duration::from_millis(50), state.phase.closed()).await;
    }
}

fn sweep_every(idle: Duration) -> Duration {
    (idle / 8).clamp(Duration::from_millis(10), Duration::from_secs(60))
}

fn welcome(state: &Arc<State>, stream: TcpStream, number: u64) {
    let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
        return;
    };
    if state.metrics.connections_active() >= state.options.limits.connections as i64 {
        state.metrics.error(Class::TooManyConnections);
        // One try: whoever floods does not get to make us wait.
        let _ = stream.try_write(
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 1\r\n\r\n",
        );
        return;
    }
    // Nagle's algorithm and delayed acknowledgements together would add 40 ms to a second write.
    let _ = stream.set_nodelay(true);
    tokio::spawn(serve(Arc::clone(state), stream, local, peer.port(), number));
}

async fn serve(
    state: Arc<State>,
    stream: TcpStream,
    local: SocketAddr,
    peer_port: u16,
    number: u64,
) {
    let active = state.metrics.connection(Transport::Http);
    let mut phase = state.phase.subscribe();
    let mut at_once = state.phase.subscribe();
    let connection = Arc::new(Connection::new(
        number,
        canonical(local),
        peer_port,
        state.truth.as_ref(),
    ));
    let service = {
        let (state, connection) = (Arc::clone(&state), Arc::clone(&connection));
        service_fn(move |request| handle(Arc::clone(&state), Arc::clone(&connection), request))
    };
    let io = TokioIo::new(Socket::new(stream, Arc::clone(&connection)));
    let limits = &state.options.limits;
    let mut http = pin!(
        http1::Builder::new()
            // Its timer would also run while a kept connection is idle; ours is `idle`.
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes.max(8 << 10))
            .serve_connection(io, service)
            .with_upgrades()
    );
    let mut idle = Idle::new(limits.idle);
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            result = &mut http => {
                if result.is_err_and(|error| error.is_parse()) {
                    state.metrics.error(Class::BadHttp);
                }
                break;
            }
            _ = at_once.wait_for(|phase| *phase == Phase::Ended) => break,
            _ = phase.wait_for(|phase| *phase != Phase::Serving), if !draining => {
                draining = true;
                http.as_mut().graceful_shutdown();
            }
            () = std::future::poll_fn(|cx| {
                if !connection.is_busy() && idle.poll(cx, connection.reads.load(Ordering::Relaxed)) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }) => {
                state.metrics.error(Class::Idle);
                break;
            }
        }
    }
    drop(active);
}

/// Notices a connection on which nothing was read for a while; checked four times in that while.
pub(crate) struct Idle {
    ticks: Interval,
    reads: u64,
    quiet_ticks: u32,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        let mut ticks = interval((limit / 4).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            reads: 0,
            quiet_ticks: 0,
        }
    }

    /// Whether the limit has passed without a change of `reads`.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, reads: u64) -> bool {
        while Pin::new(&mut self.ticks).poll_tick(cx).is_ready() {
            if reads == self.reads {
                self.quiet_ticks += 1;
            } else {
                (self.reads, self.quiet_ticks) = (reads, 0);
            }
            // The first tick comes at once, so the fifth quiet one is the whole limit.
            if self.quiet_ticks > 4 {
                return true;
            }
        }
        false
    }
}
