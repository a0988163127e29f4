//! The wire, plain and under TLS, against servers on threads with a send buffer as small as the kernel allows.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::tls::{Roots, TlsError, client_config};
use protocol::wire::Wire;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PATIENCE: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// A certificate for localhost: what the server uses, and the file that trusts it.
fn certificate(name: &str) -> (Arc<ServerConfig>, PathBuf) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = folder().join(format!("wire-{name}.pem"));
    std::fs::write(&file, cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (Arc::new(config), file)
}

/// A server that takes one connection.
fn serve<T: Send + 'static>(
    work: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        work(stream)
    });
    (address, server)
}

fn tls(config: Arc<ServerConfig>, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

/// What an event loop does: waits until the socket is ready for what the wire wants.
fn wait(wire: &Wire, write: bool) {
    let write = if write || wire.wants_write() {
        PollFlags::OUT
    } else {
        PollFlags::empty()
    };
    let patience = Timespec::try_from(PATIENCE).unwrap();
    let ready = poll(
        &mut [PollFd::new(wire, PollFlags::IN | write)],
        Some(&patience),
    )
    .unwrap();
    assert_eq!(ready, 1, "nothing happened on the socket");
}

fn set_up(wire: &mut Wire) -> io::Result<()> {
    assert!(
        wire.wants_write(),
        "a wire that connects waits for its socket to be writable"
    );
    while !wire.finish_connect()? {
        wait(wire, true);
    }
    while !wire.handshake()? {
        wait(wire, false);
    }
    assert!(!wire.is_handshaking() && !wire.wants_write());
    Ok(())
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn what_waits_under_tls_is_told_and_arrives_once_the_server_reads() {
    // More than a server's socket takes for one that does not read.
    const LENGTH: usize = 16 << 20;
    let (config, file) = certificate("slow");
    let (go, start_reading) = mpsc::channel();
    let (address, server) = serve(move |stream| {
        let mut stream = tls(config, stream);
        stream.write_all(b"hello").unwrap();
        start_reading.recv().unwrap();
        let mut got = vec![0; LENGTH];
        stream.read_exact(&mut got).unwrap();
        stream.write_all(&got).unwrap();
        got
    });
    let client = client_config(Roots::File(file), &[b"http/1.1"]).unwrap();
    let mut wire = Wire::start(address, Some((&client, "localhost"))).unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(wire.as_fd(), 4096).unwrap();
    set_up(&mut wire).unwrap();
    assert_eq!(wire.alpn(), Some(&b"http/1.1"[..]));
    let mut hello = [0; 5];
    while let Err(error) = wire.read_exact(&mut hello) {
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        wait(&wire, false);
    }

    let sent = pattern(LENGTH);
    let mut taken = 0;
    // The server reads nothing: some bytes are taken, and wait, and no more are taken behind them.
    loop {
        match wire.write(&sent[taken..]) {
            Ok(bytes) => taken += bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(
        taken > 0 && taken < LENGTH,
        "{taken} bytes fit into small buffers"
    );
    assert!(wire.wants_write());
    assert!(!wire.flush_pending().unwrap());
    assert_eq!(wire.flush().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    go.send(()).unwrap();
    while taken < LENGTH || wire.wants_write() {
        wait(&wire, true);
        match wire.write(&sent[taken..]) {
            Ok(bytes) => taken += bytes,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }

    let (mut got, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match wire.read(&mut buffer) {
            // The server drops its stream without saying goodbye in TLS: an end like any other.
            Ok(0) => break,
            Ok(bytes) => got.extend_from_slice(&buffer[..bytes]),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                assert_eq!(
                    wire.buffered_bytes(),
                    0,
                    "nothing is left behind before waiting"
                );
                wait(&wire, false);
            }
        }
    }
    assert!(got == sent, "what comes back is what was sent");
    assert!(server.join().unwrap() == sent);
}

#[test]
fn a_plain_wire_is_never_handshaking_and_ends_cleanly() {
    let (address, server) = serve(|mut stream| {
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        stream.write_all(b"bye").unwrap();
        got
    });
    let mut wire = Wire::start(address, None).unwrap();
    set_up(&mut wire).unwrap();
    assert_eq!(
        wire.read(&mut [0; 9]).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    wire.write_all(b"to the end").unwrap();
    assert!(!wire.wants_write());
    wire.shut_down().unwrap();
    wire.set_blocking(PATIENCE).unwrap();
    let mut got = String::new();
    wire.read_to_string(&mut got).unwrap();
    assert_eq!(
        (got.as_str(), server.join().unwrap().as_slice()),
        ("bye", &b"to the end"[..])
    );
}

#[test]
fn set_up_work_may_block_and_is_told_when_time_is_up() {
    let (config, file) = certificate("blocking");
    let (go, until) = mpsc::channel::<()>();
    let (address, server) = serve(move |stream| {
        let mut stream = tls(config, stream);
        let mut got = [0; 4];
        stream.read_exact(&mut got).unwrap();
        stream.write_all(b"pong").unwrap();
        until.recv().ok();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let client = client_config(Roots::File(file), &[]).unwrap();
    let mut wire = Wire::connect(address, Some((&client, "localhost")), PATIENCE).unwrap();
    wire.write_all(b"ping").unwrap();
    wire.flush().unwrap();
    let mut got = [0; 4];
    wire.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"pong");
    wire.set_blocking(Duration::from_millis(20)).unwrap();
    assert_eq!(
        wire.read(&mut got).unwrap_err().kind(),
        io::ErrorKind::TimedOut
    );
    go.send(()).unwrap();
    wire.set_blocking(PATIENCE).unwrap();
    assert_eq!(wire.read(&mut got).unwrap(), 0);
    server.join().unwrap();
}

#[test]
fn a_certificate_is_trusted_only_where_somebody_says_so() {
    let (config, file) = certificate("trust");
    let attempt = |roots: Roots, name: &str| {
        let config = Arc::clone(&config);
        let (address, server) = serve(move |stream| {
            let mut stream = tls(config, stream);
            stream.conn.complete_io(&mut stream.sock).map(drop)
        });
        let client = client_config(roots, &[]).unwrap();
        let result = Wire::connect(address, Some((&client, name)), PATIENCE).map(drop);
        match server.join().unwrap() {
            Ok(()) => assert!(result.is_ok()),
            // The server learns the reason, not only that somebody has gone.
            Err(error) => assert!(error.to_string().contains("alert"), "{error}"),
        }
        result
    };
    attempt(Roots::File(file.clone()), "localhost").unwrap();
    attempt(Roots::Insecure, "another.example").unwrap();
    let wrong_name = attempt(Roots::File(file), "another.example").unwrap_err();
    assert_eq!(wrong_name.kind(), io::ErrorKind::InvalidData);
    assert!(
        wrong_name.to_string().contains("certificate"),
        "{wrong_name}"
    );
}

#[test]
fn servers_that_refuse_hang_up_or_speak_no_tls_are_errors_and_no_hang() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = Wire::connect(closed, None, PATIENCE).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    let client = client_config(Roots::Insecure, &[]).unwrap();
    let (address, server) = serve(|mut stream| drop(stream.read(&mut [0; 9000])));
    let hung_up = Wire::connect(address, Some((&client, "localhost")), PATIENCE).unwrap_err();
    assert_eq!(hung_up.kind(), io::ErrorKind::UnexpectedEof, "{hung_up}");
    server.join().unwrap();

    let (address, server) = serve(|mut stream| {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        drop(stream.read_to_end(&mut Vec::new()));
    });
    let plain = Wire::connect(address, Some((&client, "localhost")), PATIENCE).unwrap_err();
    assert_eq!(plain.kind(), io::ErrorKind::InvalidData, "{plain}");
    server.join().unwrap();

    // A server that never says a word, on a socket that is never accepted.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = silent.local_addr().unwrap();
    let patience = Duration::from_millis(50);
    let timed_out = Wire::connect(address, Some((&client, "localhost")), patience).unwrap_err();
    assert_eq!(timed_out.kind(), io::ErrorKind::TimedOut);
    assert!(Wire::start(address, Some((&client, "not a name"))).is_err());
}

#[test]
fn files_without_certificates_are_told_from_missing_ones() {
    let path = folder().join("wire-empty.pem");
    std::fs::remove_file(&path).ok();
    let missing = client_config(Roots::File(path.clone()), &[]).unwrap_err();
    assert!(matches!(missing, TlsError::File { .. }), "{missing}");
    std::fs::write(&path, "no certificate here").unwrap();
    let empty = client_config(Roots::File(path.clone()), &[]).unwrap_err();
    assert!(matches!(empty, TlsError::EmptyFile { .. }), "{empty}");
}
