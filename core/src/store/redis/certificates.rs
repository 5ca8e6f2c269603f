//! What TLS to a Redis is checked by and proved with, read from the files that the URL names.

use redis::{ClientTlsConfig, TlsCertificates};
use tokio_rustls::rustls::crypto::ring;

/// Certificates in PEM form. Without any, the system's roots are believed and nothing is proved.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    ca: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

impl Certificates {
    /// The authority that signed the server's certificate.
    pub(super) fn read_ca(&mut self, path: &str) -> Result<(), String> {
        self.ca = Some(read_pem("ca", path)?);
        Ok(())
    }

    /// Our own certificate.
    pub(super) fn read_certificate(&mut self, path: &str) -> Result<(), String> {
        self.certificate = Some(read_pem("cert", path)?);
        Ok(())
    }

    /// Its key.
    pub(super) fn read_key(&mut self, path: &str) -> Result<(), String> {
        self.key = Some(read_pem("key", path)?);
        Ok(())
    }

    /// Says what is missing.
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err("has a cert without its key".into()),
            (None, Some(_)) => Err("has a key without its cert".into()),
            _ => Ok(()),
        }
    }

    /// As the client takes them.
    pub(super) fn for_redis(&self) -> TlsCertificates {
        // The client asks the process for its cryptography. Where another part of it has chosen
        // already, that is as good.
        let _ = ring::default_provider().install_default();
        let client_tls = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(ClientTlsConfig {
                client_cert: certificate.clone(),
                client_key: key.clone(),
            }),
            _ => None,
        };
        TlsCertificates {
            client_tls,
            root_cert: self.ca.clone(),
        }
    }
}

fn read_pem(name: &str, path: &str) -> Result<Vec<u8>, String> {
    let bytes = std::fs::read(path)
        .map_err(|error| format!("names {name}={path}, which cannot be read: {error}"))?;
    // A file without any would be believed to be an empty list, and nothing would be trusted.
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    let wanted = if name == "key" {
        "PRIVATE KEY"
    } else {
        "CERTIFICATE"
    };
    if holds(b"-----BEGIN ") && holds(wanted.as_bytes()) {
        Ok(bytes)
    } else {
        let kind = wanted.to_lowercase();
        Err(format!(
            "names {name}={path}, which holds no {kind} in PEM form"
        ))
    }
}
