//! TLS: one configuration for all threads, whose certificates can be read anew while it serves.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use super::certificates::{CertificateError, Certificates};

/// What HTTP/2 is called in ALPN.
const H2: &[u8] = b"h2";

/// TLS as the configuration wants it.
pub(crate) struct Tls {
    folder: PathBuf,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

/// The certificates that are shown now.
struct Shown(RwLock<Arc<Certificates>>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls gives the name in lower case.
        let certificates = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(certificates.for_name(hello.server_name()))
    }
}

impl Tls {
    /// Reads the certificates in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let certificates = Certificates::read(folder, &provider)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(certificates))));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for every version")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        // Tickets are shared by all threads, so that a client is known again wherever it comes back; their key
        // is changed by itself. Early data stays off: played again, it would be a second click.
        match ring::Ticketer::new() {
            Ok(ticketer) => config.ticketer = ticketer,
            Err(error) => tracing::warn!(%error, "sessions are not resumed by tickets"),
        }
        Ok(Self {
            folder: folder.to_owned(),
            provider,
            shown,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Accepts connections.
    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the certificates anew, and says how many there are. Where one cannot be used, all stay as they
    /// were. Connections that are open do not notice.
    pub(crate) fn reload(&self) -> Result<usize, CertificateError> {
        let certificates = Certificates::read(&self.folder, &self.provider)?;
        let count = certificates.count();
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificates);
        Ok(count)
    }

    /// Whether a client has agreed to HTTP/2.
    pub(crate) fn is_http2(connection: &rustls::ServerConnection) -> bool {
        connection.alpn_protocol() == Some(H2)
    }
}
