//! The TLS layer of a wire: what it holds between the socket and the plain bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// One TLS session over a socket that the caller holds.
#[derive(Debug)]
pub(super) struct Secure {
    tls: ClientConnection,
    /// Plain bytes that have been decrypted and that nobody has read.
    decrypted_bytes: usize,
}

impl Secure {
    pub(super) fn new(config: &Arc<ClientConfig>, name: &str) -> io::Result<Secure> {
        let invalid = |sentence: String| io::Error::new(io::ErrorKind::InvalidInput, sentence);
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| invalid(format!("`{name}` cannot be the name in a certificate")))?;
        let tls = ClientConnection::new(Arc::clone(config), server)
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Secure {
            tls,
            decrypted_bytes: 0,
        })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    pub(super) fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.tls.alpn_protocol()
    }

    pub(super) fn decrypted_bytes(&self) -> usize {
        self.decrypted_bytes
    }

    /// Goes on with the handshake; true when it is done and has left.
    pub(super) fn handshake(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
        loop {
            let flushed = self.flush(socket)?;
            if !self.is_handshaking() {
                // The client speaks last in TLS 1.3: done only when that has left.
                return Ok(flushed);
            }
            match self.receive(socket) {
                Ok(0) => return Err(hung_up()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes records as far as there is room; true when none is left.
    pub(super) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    pub(super) fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Ok(bytes) => {
                    self.decrypted_bytes = self.decrypted_bytes.saturating_sub(bytes);
                    return Ok(bytes);
                }
                // No close_notify: many servers just hang up, and HTTP has its own framing.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let was_handshaking = self.is_handshaking();
            if self.receive(socket)? == 0 && was_handshaking {
                return Err(hung_up());
            }
        }
    }

    /// Takes plain bytes only when no earlier ones wait: what TLS would hold back, until it is set up or
    /// behind records that the socket has no room for, would look sent long before it is.
    pub(super) fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        if !self.handshake(socket)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = self.tls.writer().write(bytes)?;
        self.flush(socket)?;
        Ok(taken)
    }

    /// Tells the server that nothing more comes.
    pub(super) fn say_goodbye(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        self.tls.send_close_notify();
        self.flush(socket).map(drop)
    }

    /// Takes records from the socket; 0 at its end.
    fn receive(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        let bytes = loop {
            match self.tls.read_tls(socket) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        match self.tls.process_new_packets() {
            Ok(state) => self.decrypted_bytes = state.plaintext_bytes_to_read(),
            Err(error) => {
                // The alert that tells the server why is worth one try, and no more.
                let _ = self.tls.write_tls(socket);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        self.flush(socket)?;
        Ok(bytes)
    }
}

fn hung_up() -> io::Error {
    let sentence = "the server closed the connection during the TLS handshake";
    io::Error::new(io::ErrorKind::UnexpectedEof, sentence)
}
