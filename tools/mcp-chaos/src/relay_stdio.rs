//! `relay-stdio`: a server that speaks over stdin and stdout, put behind a proxy. The generator starts this in the
//! server's place; it starts the server, and lets both ends of the conversation run through the proxy.
//!
//! To the proxy they are two connections, told apart by a first line: `mcp-chaos TOKEN client N` carries what the client
//! says and is to hear, `mcp-chaos TOKEN server N` the same of the server; N is a number of this process's own.
//!
//! The server stays in this process's group, so that who ends the group ends both. Ends are passed on: that of stdin goes
//! through the proxy to the server, that of the server's stdout through the proxy to stdout. The exit status is the
//! server's; one that a signal has ended is followed by the same signal.

use record::Ending;
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What a server is given to end by itself once its client has gone; mcp-gen gives 2 s, and then acts by itself.
const LEAVE: Duration = Duration::from_secs(3);
/// And then, after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long the last words of a server that has ended may be on their way.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long the proxy may take to accept.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct RelayArgs {
    /// The proxy.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub to: SocketAddr,
    /// What the proxy knows its own by.
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    pub token: String,
    /// The server's command line.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// A token must fit into the first line.
fn token(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        Err("give 1 to 128 visible characters of ASCII".to_owned())
    }
}

/// What happens.
enum Happened {
    StdinEnded,
    StdoutEnded,
    ChildEnded(io::Result<ExitStatus>),
    Signal(i32),
}

/// Stands between stdin and stdout and the server until the server has ended.
///
/// # Errors
/// A sentence: the proxy cannot be reached, or the command does not start.
pub fn run(args: &RelayArgs) -> Result<Ending, String> {
    let (tell, told) = channel();
    let signals = tell.clone();
    record::signal::watch(move |signal, _| drop(signals.send(Happened::Signal(signal))))
        .map_err(|e| format!("signals can't be watched: {e}"))?;
    // 53 bits, as all numbers that may come into a record.
    let number = record::random() >> 11;
    let client = connect(args, "client", number)?;
    let server = connect(args, "server", number)?;
    let mut child = start(&args.command)?;
    let pidfd = pidfd_of(&child)?;
    pump_all(&mut child, client, server, &tell)
        .map_err(|e| format!("the relay can't be set up: {e}"))?;
    thread::spawn(move || tell.send(Happened::ChildEnded(child.wait())));
    let status = attend(&told, &pidfd)?;
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exit(u8::try_from(code).unwrap_or(2)),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Exit(2),
    })
}

fn connect(args: &RelayArgs, role: &str, number: u64) -> Result<TcpStream, String> {
    let failed = |e| format!("the proxy at {} can't be reached: {e}", args.to);
    let mut stream = TcpStream::connect_timeout(&args.to, CONNECT).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let line = format!("mcp-chaos {} {role} {number}\n", args.token);
    stream.write_all(line.as_bytes()).map_err(failed)?;
    Ok(stream)
}

fn start(argv: &[String]) -> Result<Child, String> {
    let (program, arguments) = argv.split_first().ok_or("no command was given")?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{program} can't be started: {e}"))
}

fn pidfd_of(child: &Child) -> Result<OwnedFd, String> {
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or("the command has no pid")?;
    pidfd_open(pid, PidfdFlags::empty()).map_err(|e| format!("the command can't be watched: {e}"))
}

/// Starts the four pumps.
fn pump_all(
    child: &mut Child,
    client: TcpStream,
    server: TcpStream,
    tell: &Sender<Happened>,
) -> io::Result<()> {
    let missing = || io::Error::other("the command has no pipes");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let (to_proxy, told) = (client.try_clone()?, tell.clone());
    thread::spawn(move || {
        pump(io::stdin(), &to_proxy);
        let _ = to_proxy.shutdown(Shutdown::Write);
        told.send(Happened::StdinEnded)
    });
    let told = tell.clone();
    thread::spawn(move || {
        pump(&client, Stdout);
        end_stdout();
        told.send(Happened::StdoutEnded)
    });
    let from_proxy = server.try_clone()?;
    // The server's stdin is closed with the end of what the proxy sends.
    thread::spawn(move || pump(&from_proxy, stdin));
    thread::spawn(move || {
        pump(stdout, &server);
        server.shutdown(Shutdown::Write)
    });
    Ok(())
}

/// Copies until one end does not go on.
fn pump(mut from: impl Read, mut to: impl Write) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if to.write_all(&buffer[..length]).is_err() {
                    return;
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Stdout without the buffer that std puts before it, which would hold lines back.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets the reader of stdout see its end, though stdin may be the same socket and this process goes on for a while.
fn end_stdout() {
    let _ = rustix::net::shutdown(rustix::stdio::stdout(), rustix::net::Shutdown::Write);
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
}

/// Waits for the end of the server, which it brings about where the client has gone: how the server ended.
fn attend(told: &Receiver<Happened>, child: &OwnedFd) -> Result<ExitStatus, String> {
    let mut stdout_ended = false;
    let mut status = None;
    // When something must be done next, and the signal that it is; none once the server has ended.
    let mut due: Option<(Instant, Option<Signal>)> = None;
    loop {
        if let (Some(status), true) = (status, stdout_ended) {
            return Ok(status);
        }
        let happened = match due {
            None => told.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((at, _)) => told.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        let now = Instant::now();
        match happened {
            Ok(Happened::StdoutEnded) => stdout_ended = true,
            Ok(Happened::ChildEnded(ended)) => {
                status = Some(ended.map_err(|e| format!("the command was lost: {e}"))?);
                due = Some((now + LAST_WORDS, None));
            }
            Ok(Happened::StdinEnded) if status.is_none() => {
                due.get_or_insert((now + LEAVE, Some(Signal::TERM)));
            }
            Ok(Happened::Signal(signal)) if status.is_none() => {
                // It may have been sent to the whole group; twice does no harm.
                let signal = Signal::from_named_raw(signal).unwrap_or(Signal::TERM);
                let _ = pidfd_send_signal(child, signal);
                due = Some((now + GRACE, Some(Signal::KILL)));
            }
            Ok(Happened::StdinEnded | Happened::Signal(_)) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("all pumps have ended".to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = status {
                    return Ok(status);
                }
                let signal = due.and_then(|(_, signal)| signal).unwrap_or(Signal::KILL);
                let _ = pidfd_send_signal(child, signal);
                due = Some((now + GRACE, Some(Signal::KILL)));
            }
        }
    }
}
