//! `mcp-deploy serve`: one reference server in the foreground, until a signal.

mod args;
mod options;
mod values;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::Context as _;
use record::{Ending, Say, signal};
use server::Door;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

pub use args::ServeArgs;

/// Serves until SIGINT, SIGTERM or SIGHUP; running calls then have a second to finish.
///
/// # Errors
/// Where the address is taken, or the truth file cannot be written.
pub fn run(args: ServeArgs) -> anyhow::Result<Ending> {
    let say = Say::new("mcp-deploy serve", false);
    allow_many_descriptors();
    let (stdio, listen_tcp) = (args.stdio, args.listen_tcp);
    let listen = args.listen.or_else(|| {
        (!stdio && listen_tcp.is_none()).then_some(SocketAddr::from(([127, 0, 0, 1], 5555)))
    });
    let runtime = runtime(args.threads.get())?;
    let options = args.into_options();
    let stop = Arc::new(Notify::new());
    let by = Arc::new(AtomicI32::new(0));
    let (stopping, caught) = (Arc::clone(&stop), Arc::clone(&by));
    signal::watch(move |signal, n| {
        caught.store(signal, Ordering::Relaxed);
        stopping.notify_one();
        if n > 1 {
            signal::die_of(signal);
        }
    })
    .context("cannot watch for signals")?;
    runtime.block_on(async {
        let mut doors = Vec::new();
        let mut at = Vec::new();
        if let Some(address) = listen {
            let listener = open(address)?;
            let address = listener.local_addr()?;
            at.push(format!("http://{address}/mcp and ws://{address}/mcp"));
            doors.push(Door::Http(listener));
        }
        if let Some(address) = listen_tcp {
            let listener = open(address)?;
            at.push(format!("tcp://{}", listener.local_addr()?));
            doors.push(Door::Lines(listener));
        }
        if stdio {
            doors.push(Door::Stdio);
        }
        if !at.is_empty() {
            say.note(&format!("listening on {}", at.join(" and ")));
        }
        server::serve(doors, options, stop.notified()).await?;
        anyhow::Ok(())
    })?;
    Ok(match by.load(Ordering::Relaxed) {
        0 => Ending::Exit(0),
        signal => Ending::Signal(signal),
    })
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = if threads == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    // Under load tokio looks at its descriptors, the alarm among them, only every 61 tasks: that would
    // let answers leave half a millisecond late.
    builder
        .worker_threads(threads)
        .event_interval(16)
        .enable_all()
        .build()
}

fn open(address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address).with_context(|| {
        format!("cannot listen on {address}: is another server there? try port 0 for a free one")
    })
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // The usual 128 drops connections when thousands of clients start at once, and each then waits a second.
    socket.listen(4096)
}

/// A server for 10,000 clients needs as many descriptors as it may have, not the 1,024 of a shell.
fn allow_many_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, the limit that there is will be met at accept.
    let _ = setrlimit(Resource::Nofile, limit);
}
