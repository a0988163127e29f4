//! Where targets come from: the command line, or the records on stdin, which are passed on as they come.

use crate::cli::Cli;
use anyhow::{Result, bail};
use record::kind::{Ready, Target, Warning};
use record::{Body, Identity, Pen, RawStdin, Record, Upstream};
use rustix::fs::{FileType, fstat};
use std::io;

/// So many tools upstream are waited for; there are two as a rule.
const MAX_TOOLS: usize = 64;

/// What comes in from upstream.
pub enum Arrival {
    /// The first line was read, `start` is written: from here on there is a pen.
    Opened(Pen),
    /// A server.
    Target(Box<Target>),
    /// The targets are complete.
    Ready(Box<Ready>),
    /// Upstream has ended.
    Ended {
        /// How reading it ended.
        read: io::Result<()>,
        /// A tool there that has said `start` and no `end`, as one does that was killed.
        silent: Option<String>,
    },
}

/// Whether stdin is to be read.
///
/// # Errors
/// There is neither `--url` nor anything on stdin.
pub fn reads_stdin(cli: &Cli) -> Result<bool> {
    let is_stream = fstat(rustix::stdio::stdin()).is_ok_and(|s| {
        matches!(
            FileType::from_raw_mode(s.st_mode),
            FileType::Fifo | FileType::Socket | FileType::RegularFile
        )
    });
    match (cli.url.is_empty(), &cli.stdin) {
        (_, Some(_)) => Ok(true),
        (false, None) => Ok(false),
        (true, None) if is_stream => Ok(true),
        (true, None) => bail!(
            "no target: give --url URL, or pipe targets into me (mcp-deploy local | mcp-gen …, or mcp-deploy attach URL | mcp-gen …)"
        ),
    }
}

/// Whether a pipe stands at stdin although it is not read.
#[must_use]
pub fn ignores_a_pipe(cli: &Cli) -> bool {
    !cli.url.is_empty() && cli.stdin.is_none() && record::is_pipe(rustix::stdio::stdin())
}

/// Reads stdin on a thread of its own: opens the pen once the first line is there, then passes on and tells.
pub fn read(
    seed: u64,
    on_gone: impl Fn() + Send + Sync + 'static,
    tell: impl Fn(Arrival) + Send + 'static,
) {
    std::thread::spawn(move || {
        let upstream = match Upstream::open(RawStdin) {
            Ok(upstream) => upstream,
            Err(e) => {
                return tell(Arrival::Ended {
                    read: Err(e),
                    silent: None,
                });
            }
        };
        let pen = open_pen(upstream.run().as_deref(), seed, on_gone);
        tell(Arrival::Opened(pen.clone()));
        let mut standing: Vec<String> = Vec::new();
        let read = upstream.forward(&pen, |kind, line, number| {
            match kind {
                "target" | "ready" => {}
                "start" | "end" => return note_tool(&mut standing, kind, line),
                _ => return,
            }
            match Record::parse(line).map(|r| r.body) {
                Ok(Body::Target(target)) => tell(Arrival::Target(target)),
                Ok(Body::Ready(ready)) => tell(Arrival::Ready(ready)),
                Ok(_) => {}
                Err(e) => pen.write(Warning {
                    line: Some(number),
                    ..Warning::new(
                        "bad_record",
                        format!("line {number} is a {kind} that cannot be used: {e}"),
                    )
                }),
            }
        });
        // The nearest one stands first, and when it was killed nothing can come from those behind it either.
        let silent = standing.into_iter().next();
        tell(Arrival::Ended { read, silent });
    });
}

/// Keeps the list of the tools upstream that have said `start` and not yet `end`.
fn note_tool(standing: &mut Vec<String>, kind: &str, line: &[u8]) {
    let Ok(Record { from, .. }) = Record::parse(line) else {
        return;
    };
    if kind == "end" {
        standing.retain(|tool| *tool != from);
    } else if standing.len() < MAX_TOOLS && !from.is_empty() {
        standing.push(from);
    }
}

/// The pen, with `start` written.
#[must_use]
pub fn open_pen(run: Option<&str>, seed: u64, on_gone: impl Fn() + Send + Sync + 'static) -> Pen {
    let pen = Pen::open(Identity::join("mcp-gen", run), on_gone);
    pen.write(record::start(
        "mcp-gen",
        env!("CARGO_PKG_VERSION"),
        Some(seed),
    ));
    pen
}
