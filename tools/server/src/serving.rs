//! Accepts connections, serves each in a task of its own, and lets them finish when it is told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep, timeout};

use crate::connection::{Connection, Socket, Stream};
use crate::guard::canonical;
use crate::http::handle;
use crate::link::{self, Form};
use crate::metrics::{Class, Transport};
use crate::patience::Patience;
use crate::preface;
use crate::state::{Phase, State};
use crate::stdio::{self, Copier, Pipes};

/// How long running calls may take to finish after a stop.
const DRAIN: Duration = Duration::from_millis(900);

/// A way in.
#[derive(Debug)]
pub enum Door {
    /// WebSocket and HTTP.
    Http(TcpListener),
    /// JSON-RPC over TCP, a message a line.
    Lines(TcpListener),
    /// One session on stdin and stdout, a message a line; the server ends with it.
    Stdio,
}

/// Serves at all doors until told to stop, then waits for what is running.
///
/// # Errors
/// Where stdin and stdout cannot be used.
pub(crate) async fn serve_at(
    state: &Arc<State>,
    doors: Vec<Door>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut acceptors = JoinSet::new();
    let mut sessions = JoinSet::new();
    let mut copier = None;
    for door in doors {
        match door {
            Door::Http(listener) => {
                acceptors.spawn(accept(Arc::clone(state), listener, welcome_http))
            }
            Door::Lines(listener) => {
                acceptors.spawn(accept(Arc::clone(state), listener, welcome_tcp))
            }
            Door::Stdio => {
                let (pipes, copies) = stdio::open_both()?;
                copier = Some(copies);
                sessions.spawn(serve_stdio(Arc::clone(state), pipes))
            }
        };
    }
    let mut stop = pin!(stop);
    let ttl = state.options.session_ttl.unwrap_or(Duration::MAX);
    let mut sweep = interval(sweep_every(state.options.limits.idle.min(ttl)));
    let mut changes = state
        .options
        .change_every
        .map(|every| interval_at(Instant::now() + every, every));
    loop {
        tokio::select! {
            _ = sessions.join_next(), if !sessions.is_empty() => break,
            _ = sweep.tick() => {
                state.sweep();
            }
            () = next_change(&mut changes) => state.change_all(),
            () = &mut stop => break,
        }
    }
    acceptors.shutdown().await;
    state.phase.send_replace(Phase::Draining);
    if timeout(DRAIN, state.phase.closed()).await.is_err() {
        state.phase.send_replace(Phase::Ended);
        // Tasks end at their next poll, which is now.
        let _ = timeout(Duration::from_millis(50), state.phase.closed()).await;
    }
    // The pipe to a copier ends with the session.
    sessions.shutdown().await;
    copier.map_or(Ok(()), Copier::finish)
}

async fn accept(
    state: Arc<State>,
    listener: TcpListener,
    welcome: fn(&Arc<State>, TcpStream, Addresses),
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
                    continue;
                };
                // Nagle's algorithm and delayed acknowledgements together would add 40 ms to a second write.
                let _ = stream.set_nodelay(true);
                let peer_port = peer.port();
                welcome(&state, stream, Addresses { local, peer_port });
            }
            // Out of descriptors, or a client that left before it was taken: neither goes away
            // faster by trying again at once.
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Whom a client reached, and from which port.
struct Addresses {
    local: SocketAddr,
    peer_port: u16,
}

impl Addresses {
    fn connection(&self, state: &State) -> Arc<Connection> {
        Arc::new(Connection::new(
            state.next_connection(),
            canonical(self.local),
            self.peer_port,
            state.truth.as_ref(),
        ))
    }
}

async fn next_change(changes: &mut Option<Interval>) {
    match changes {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

fn sweep_every(idle: Duration) -> Duration {
    (idle / 8).clamp(Duration::from_millis(10), Duration::from_secs(60))
}

fn is_full(state: &State) -> bool {
    let full = state.metrics.connections_active() >= state.options.limits.connections as i64;
    if full {
        state.metrics.error(Class::TooManyConnections);
    }
    full
}

fn welcome_http(state: &Arc<State>, stream: TcpStream, addresses: Addresses) {
    if is_full(state) {
        // One try: whoever floods does not get to make us wait.
        let _ = stream.try_write(
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 1\r\n\r\n",
        );
        return;
    }
    let connection = addresses.connection(state);
    tokio::spawn(serve_http(Arc::clone(state), stream, connection));
}

fn welcome_tcp(state: &Arc<State>, stream: TcpStream, addresses: Addresses) {
    if is_full(state) {
        let _ = stream.try_write(
            b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"there are as many connections as there may be: see --max-connections\"}}\n",
        );
        return;
    }
    let connection = addresses.connection(state);
    let socket = Socket::new(Stream::Tcp(stream), Arc::clone(&connection));
    let phase = state.phase.subscribe();
    let kind = (Transport::Tcp, Form::Lines);
    let state = Arc::clone(state);
    tokio::spawn(link::run(
        state,
        connection,
        socket,
        kind,
        Vec::new(),
        phase,
    ));
}

async fn serve_stdio(state: Arc<State>, pipes: Pipes) {
    let addresses = Addresses {
        local: SocketAddr::from(([127, 0, 0, 1], 0)),
        peer_port: 0,
    };
    let connection = addresses.connection(&state);
    let socket = Socket::new(Stream::Stdio(pipes), Arc::clone(&connection));
    let phase = state.phase.subscribe();
    let kind = (Transport::Stdio, Form::Lines);
    link::run(state, connection, socket, kind, Vec::new(), phase).await;
}

async fn serve_http(state: Arc<State>, stream: TcpStream, connection: Arc<Connection>) {
    let active = state.metrics.connection(Transport::Http);
    let Some(speaks_h2) = preface::is_sent(&stream, &state).await else {
        return state.metrics.error(Class::Idle);
    };
    let service = {
        let (state, connection) = (Arc::clone(&state), Arc::clone(&connection));
        service_fn(move |request| handle(Arc::clone(&state), Arc::clone(&connection), request))
    };
    let io = TokioIo::new(Socket::new(Stream::Tcp(stream), Arc::clone(&connection)));
    let limits = &state.options.limits;
    if speaks_h2 {
        // In a box: the many connections of HTTP/1.1 and WebSocket shall not be as large as one of these.
        let mut http = Box::pin(
            http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
                .serve_connection(io, service),
        );
        let finish = |http: Pin<&mut _>| http2::Connection::graceful_shutdown(http);
        // Frames besides those of requests would look like a request that is never whole.
        let none = |_: &Connection| None;
        Box::pin(converse(&state, &connection, http.as_mut(), finish, none)).await;
    } else {
        let http = pin!(
            http1::Builder::new()
                // Its timer would also run while a kept connection is idle; ours is `idle`.
                .header_read_timeout(None)
                .max_buf_size(limits.header_bytes.max(8 << 10))
                .serve_connection(io, service)
                .with_upgrades()
        );
        let finish = |http: Pin<&mut _>| http1::UpgradeableConnection::graceful_shutdown(http);
        let unfinished = Connection::unfinished_head;
        converse(&state, &connection, http, finish, unfinished).await;
    }
    drop(active);
}

/// Serves a connection until its client leaves or is idle, or the server ends.
async fn converse<H: Future<Output = hyper::Result<()>>>(
    state: &State,
    connection: &Connection,
    mut http: Pin<&mut H>,
    finish: impl Fn(Pin<&mut H>),
    unfinished: fn(&Connection) -> Option<u64>,
) {
    let mut phase = state.phase.subscribe();
    let mut at_once = state.phase.subscribe();
    let mut idle = Idle::new(state.options.limits.idle);
    let mut patience = Patience::new(state.options.limits.request);
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            result = http.as_mut() => {
                if result.is_err_and(|error| error.is_parse()) {
                    state.metrics.error(Class::BadHttp);
                }
                break;
            }
            _ = at_once.wait_for(|phase| *phase == Phase::Ended) => break,
            _ = phase.wait_for(|phase| *phase != Phase::Serving), if !draining => {
                draining = true;
                finish(http.as_mut());
            }
            () = std::future::poll_fn(|cx| match patience.poll(cx, unfinished(connection)) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }) => {
                state.metrics.error(Class::RequestTimeout);
                break;
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
