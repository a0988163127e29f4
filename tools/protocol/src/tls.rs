//! What a TLS client trusts and offers.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// What the system trusts.
    System,
    /// What the system trusts, and the certificates in this PEM file.
    File(PathBuf),
    /// Anybody: the connection is encrypted, but nobody knows with whom.
    Insecure,
}

/// Why there is no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or is no PEM.
    #[error("the certificates in {path} cannot be read: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// The file holds no certificate that can be trusted.
    #[error("{path} holds no certificate: it must be a PEM file with BEGIN CERTIFICATE lines", path = path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// Nothing to trust.
    #[error(
        "the system has no trusted certificates: name a file with them (--ca-file), or trust anybody (--insecure)"
    )]
    NoRoots,
    /// The TLS library refuses.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A configuration to be shared by all connections; `alpn` lists the protocols offered, `http/1.1` for
/// both HTTP and WebSocket. Sessions are resumed where the server lets them, so that only the first
/// connections pay for a full handshake, as with browsers and client libraries.
///
/// # Errors
/// When a file cannot be read, or nothing is left to trust.
pub fn client_config(roots: Roots, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    // A provider of our own, never the process-wide default: that belongs to the program.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let mut config = match roots {
        Roots::Insecure => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TrustAnybody(provider)))
            .with_no_client_auth(),
        Roots::System => builder
            .with_root_certificates(trusted(None)?)
            .with_no_client_auth(),
        Roots::File(path) => builder
            .with_root_certificates(trusted(Some(path))?)
            .with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// The same configuration with other protocols on offer; sessions are resumed across both.
#[must_use]
pub fn offering(config: &Arc<ClientConfig>, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

fn trusted(file: Option<PathBuf>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    // Single certificates that cannot be parsed are common in system stores, and harmless.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = file {
        let unreadable = |reason: String| TlsError::File {
            path: path.clone(),
            reason,
        };
        let mut added = 0;
        let found = CertificateDer::pem_file_iter(&path).map_err(|e| unreadable(e.to_string()))?;
        for certificate in found {
            let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
            store
                .add(certificate)
                .map_err(|e| unreadable(e.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(TlsError::EmptyFile { path });
        }
    }
    if store.is_empty() {
        return Err(TlsError::NoRoots);
    }
    Ok(store)
}

/// Takes every certificate, but still insists that the server holds its key.
#[derive(Debug)]
struct TrustAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
