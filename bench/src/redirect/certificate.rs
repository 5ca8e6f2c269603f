//! The certificate that all servers show: made for the run, signed by itself, and believed by the load alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, version};

use crate::links::DOMAIN;

/// A certificate and its key, in files.
#[derive(Clone)]
pub(super) struct Certificate {
    folder: PathBuf,
}

impl Certificate {
    /// Makes one in this folder, under the name of the domain.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed([DOMAIN.to_owned()])?;
        let files = Self {
            folder: folder.to_owned(),
        };
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        std::fs::write(files.certificate(), made.cert.pem())?;
        std::fs::write(files.key(), made.signing_key.serialize_pem())?;
        Ok(files)
    }

    /// Where it is, with nothing else beside it.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate, in PEM.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join(format!("{DOMAIN}.crt"))
    }

    /// Its private key, in PEM.
    pub(super) fn key(&self) -> PathBuf {
        self.folder.join(format!("{DOMAIN}.key"))
    }

    /// For the load. It offers one cipher, the first that browsers offer, so that all servers do the same work.
    pub(super) fn connector(&self) -> Result<TlsConnector> {
        let mut provider = ring::default_provider();
        provider
            .cipher_suites
            .retain(|suite| *suite == ring::cipher_suite::TLS13_AES_128_GCM_SHA256);
        let mut roots = RootCertStore::empty();
        roots.add(read_certificate(&self.certificate())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// For a server that shows the certificate in these files.
pub(super) fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| anyhow!("{}: {error}", key.display()))?;
    let provider: CryptoProvider = ring::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![read_certificate(certificate)?], key)?;
    Ok(Arc::new(config))
}

fn read_certificate(path: &Path) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(path).map_err(|error| anyhow!("{}: {error}", path.display()))
}
