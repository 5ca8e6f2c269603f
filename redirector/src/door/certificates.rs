//! A folder of certificates, and which of them a client is shown.
//!
//! A certificate answers for the names that stand in it; what its file is called only matters in errors,
//! and where it is called `default`: that one is shown to whoever asks for no name, or for one that
//! none of them has.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

/// What the default certificate's files are called.
const DEFAULT: &str = "default";

/// Certificates by the names in them.
#[derive(Debug)]
pub(super) struct Certificates {
    /// Lower case; `*.example.com` stands under `example.com` in `wildcards`.
    exact: HashMap<String, Arc<CertifiedKey>>,
    wildcards: HashMap<String, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
    files: usize,
}

/// A folder of certificates cannot be used.
#[derive(Debug, Error)]
#[error("{}: {fault}", path.display())]
pub(crate) struct CertificateError {
    /// The folder or file at fault.
    path: PathBuf,
    /// What is wrong with it.
    fault: Fault,
}

/// What is wrong with a certificate.
#[derive(Debug)]
enum Fault {
    Unreadable(io::Error),
    Empty,
    NoPem(pem::Error),
    NoCertificate,
    NoKey(PathBuf),
    Mismatch(rustls::Error),
    Names(webpki::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "{error}"),
            Self::Empty => f.write_str(
                "holds no certificates: NAME.crt or NAME.pem beside NAME.key, or NAME/fullchain.pem and \
                 NAME/privkey.pem",
            ),
            Self::NoPem(error) => write!(f, "is not PEM as it should be: {error}"),
            Self::NoCertificate => f.write_str("holds no certificate"),
            Self::NoKey(path) => write!(f, "its key {} is not there", path.display()),
            Self::Mismatch(error) => write!(f, "cannot be used with its key: {error}"),
            Self::Names(error) => write!(f, "is no certificate of a server: {error:?}"),
        }
    }
}

impl Certificates {
    /// Reads a folder, all of it or not at all.
    pub(super) fn read(folder: &Path, provider: &CryptoProvider) -> Result<Self, CertificateError> {
        let (mut exact, mut wildcards) = (HashMap::new(), HashMap::new());
        let (mut default, mut first) = (None, None);
        let pairs = pairs(folder)?;
        let files = pairs.len();
        for pair in pairs {
            let (key, names) = pair.read(provider)?;
            let key = Arc::new(key);
            for name in names {
                let (kept, under) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut wildcards, parent),
                    None => (&mut exact, name.as_str()),
                };
                if kept.insert(under.to_owned(), Arc::clone(&key)).is_some() {
                    let path = pair.certificate.display();
                    tracing::warn!(%path, name, "several certificates are for this name: the last by file name is shown");
                }
            }
            if pair.name == DEFAULT {
                default = Some(Arc::clone(&key));
            }
            first.get_or_insert(key);
        }
        let default = default.or(first).ok_or_else(|| CertificateError {
            path: folder.to_owned(),
            fault: Fault::Empty,
        })?;
        Ok(Self {
            exact,
            wildcards,
            default,
            files,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.files
    }

    /// The certificate for a name in lower case.
    pub(super) fn for_name(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let found = name.and_then(|name| {
            let wildcard = || self.wildcards.get(name.split_once('.')?.1);
            self.exact.get(name).or_else(wildcard)
        });
        Arc::clone(found.unwrap_or(&self.default))
    }
}

/// A certificate's files.
struct Pair {
    name: String,
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    /// The certificate with its key, and the names it is for.
    fn read(
        &self,
        provider: &CryptoProvider,
    ) -> Result<(CertifiedKey, Vec<String>), CertificateError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |fault| CertificateError { path, fault }
        };
        let wrong_certificate = failed(&self.certificate);
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| failed(&self.certificate)(Fault::of(error)))?;
        let Some(leaf) = chain.first() else {
            return Err(wrong_certificate(Fault::NoCertificate));
        };
        if !self.key.exists() {
            return Err(wrong_certificate(Fault::NoKey(self.key.clone())));
        }
        let names = match EndEntityCert::try_from(leaf) {
            Ok(certificate) => certificate
                .valid_dns_names()
                .map(str::to_ascii_lowercase)
                .collect(),
            Err(error) => return Err(wrong_certificate(Fault::Names(error))),
        };
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| failed(&self.key)(Fault::of(error)))?;
        let certified = CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| wrong_certificate(Fault::Mismatch(error)))?;
        Ok((certified, names))
    }
}

impl Fault {
    fn of(error: pem::Error) -> Self {
        match error {
            pem::Error::Io(error) => Self::Unreadable(error),
            error => Self::NoPem(error),
        }
    }
}

/// The pairs in a folder, in the order of their names.
fn pairs(folder: &Path) -> Result<Vec<Pair>, CertificateError> {
    let failed = |error| CertificateError {
        path: folder.to_owned(),
        fault: Fault::Unreadable(error),
    };
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().into_owned()
        };
        let chain = path.join("fullchain.pem");
        let extension = name(path.extension());
        if chain.is_file() {
            pairs.push(Pair {
                name: name(path.file_name()),
                certificate: chain,
                key: path.join("privkey.pem"),
            });
        } else if path.is_file() && matches!(&*extension, "crt" | "pem") {
            pairs.push(Pair {
                name: name(path.file_stem()),
                key: path.with_extension("key"),
                certificate: path,
            });
        }
    }
    pairs.sort_by(|a, b| a.certificate.cmp(&b.certificate));
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio_rustls::rustls::crypto::ring;

    use super::*;

    /// Writes a certificate for these names.
    fn write(certificate: &Path, key: &Path, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(certificate, made.cert.pem()).unwrap();
        std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    }

    fn read(folder: &TempDir) -> Result<Certificates, String> {
        Certificates::read(folder.path(), &ring::default_provider()).map_err(|e| e.to_string())
    }

    fn names(shown: &CertifiedKey) -> Vec<String> {
        let leaf = EndEntityCert::try_from(&shown.cert[0]).unwrap();
        leaf.valid_dns_names().map(str::to_owned).collect()
    }

    #[test]
    fn each_name_is_shown_its_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(&at("a.crt"), &at("a.key"), &["go.example", "GO2.example"]);
        write(&at("b.pem"), &at("b.key"), &["*.shop.example"]);
        std::fs::create_dir(at("live")).unwrap();
        write(
            &at("live/fullchain.pem"),
            &at("live/privkey.pem"),
            &["x.shop.example"],
        );
        std::fs::write(at("README"), "not a certificate").unwrap();
        let certificates = read(&folder).unwrap();
        assert_eq!(certificates.count(), 3);
        for (asked, shown) in [
            (Some("go.example"), "go.example"),
            (Some("go2.example"), "go.example"),
            (Some("y.shop.example"), "*.shop.example"),
            (Some("x.shop.example"), "x.shop.example"),
            // A wildcard stands for one label, and not for none.
            (Some("a.b.shop.example"), "go.example"),
            (Some("shop.example"), "go.example"),
            (Some("unknown.example"), "go.example"),
            (None, "go.example"),
        ] {
            assert_eq!(names(&certificates.for_name(asked))[0], shown, "{asked:?}");
        }
        write(
            &at("default.crt"),
            &at("default.key"),
            &["fallback.example"],
        );
        let certificates = read(&folder).unwrap();
        assert_eq!(names(&certificates.for_name(None)), ["fallback.example"]);
    }

    #[test]
    fn what_is_wrong_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(read(&folder).unwrap_err().contains("holds no certificates"));
        write(&at("a.crt"), &at("a.key"), &["a.example"]);
        write(&at("b.crt"), &at("b.key"), &["b.example"]);
        std::fs::copy(at("a.key"), at("b.key")).unwrap();
        let error = read(&folder).unwrap_err();
        assert!(error.contains("b.crt") && error.contains("key"), "{error}");
        std::fs::remove_file(at("b.key")).unwrap();
        let error = read(&folder).unwrap_err();
        assert!(
            error.contains("b.crt") && error.contains("b.key"),
            "{error}"
        );
        std::fs::write(at("b.key"), "no key").unwrap();
        assert!(read(&folder).unwrap_err().contains("b.key"));
        std::fs::write(at("b.crt"), "no certificate").unwrap();
        assert!(read(&folder).unwrap_err().contains("b.crt"));
        let nowhere = Certificates::read(&at("nowhere"), &ring::default_provider());
        assert!(nowhere.unwrap_err().to_string().contains("nowhere"));
    }
}
