//! TLS in front of a plain server: what comes in over TLS goes on over TCP, as behind a terminating proxy.

use pipe_tests::Folder;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};

/// A running relay with a certificate that nobody has signed.
pub struct TlsRelay {
    port: u16,
    folder: Folder,
    agreed: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
}

impl TlsRelay {
    /// Listens on a free port and passes on to the server at `host:port`.
    pub fn to(server: &str) -> Self {
        Self::offering(server, &[])
    }

    /// The same, with protocols to choose from (ALPN), the preferred first.
    pub fn offering(server: &str, alpn: &[&str]) -> Self {
        let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let folder = Folder::new();
        std::fs::write(folder.path().join("ca.pem"), signed.cert.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key =
            rustls::pki_types::PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        let agreed: Arc<Mutex<Vec<String>>> = Arc::default();
        let note = Arc::clone(&agreed);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let server = server.to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, TlsAcceptor::from(Arc::new(config)), server, note) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            port,
            folder,
            agreed,
            stop: Some(stop),
        }
    }

    /// Its address, with this scheme.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/mcp", self.port)
    }

    /// What each connection so far has agreed on by ALPN; an empty text is nothing.
    #[allow(dead_code)] // not each file of tests asks
    pub fn agreed(&self) -> Vec<String> {
        self.agreed.lock().unwrap().clone()
    }

    /// The file for `--ca-file`.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Drop for TlsRelay {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    server: String,
    agreed: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, server) = (acceptor.clone(), server.clone());
        let agreed = Arc::clone(&agreed);
        tokio::spawn(async move {
            let _ = client.set_nodelay(true);
            // A client that speaks plain text gets its alert from here.
            let mut client = acceptor.accept(client).await?;
            let alpn = client.get_ref().1.alpn_protocol().unwrap_or_default();
            let alpn = String::from_utf8_lossy(alpn).into_owned();
            agreed.lock().unwrap().push(alpn);
            let mut server = TcpStream::connect(server).await?;
            let _ = server.set_nodelay(true);
            tokio::io::copy_bidirectional(&mut client, &mut server).await
        });
    }
}
