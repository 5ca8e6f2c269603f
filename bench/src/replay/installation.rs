//! Where a log is replayed: an installation that runs, or one of our own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use hyper::StatusCode;
use tempfile::TempDir;
use whence_core::secret::Secret;

use crate::binary;
use crate::server::{self, Server};

/// What a replay needs to know of it.
pub(super) struct Installation {
    /// The links API and reports: the base of a URL.
    pub(super) api: String,
    /// The redirector: the base of a URL.
    pub(super) redirector: String,
    /// A key with every right.
    pub(super) key: Secret,
    /// The processes, where they are our own.
    own: Option<Own>,
}

struct Own {
    whence: Server,
    // Dropped after the process that writes there.
    _data: TempDir,
}

/// Reads the key that `whence up` has left in its data directory.
pub(super) fn key_in(data: &Path) -> Result<Secret> {
    let path = data.join("api-key");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: no API key there; name one with --key, or the data directory with --data",
            path.display()
        )
    })?;
    Ok(Secret::new(text.trim()))
}

impl Installation {
    /// One that runs already.
    pub(super) fn running(api: String, redirector: String, key: Secret) -> Self {
        Self {
            api,
            redirector,
            key,
            own: None,
        }
    }

    /// Starts `whence up` in a temporary directory, on free ports.
    pub(super) async fn fresh() -> Result<Self> {
        let program = binary::beside("whence", "whence-embedded")?;
        let data = tempfile::tempdir().context("a temporary directory")?;
        let address = || server::free_address();
        let (redirector, analytics) = (address()?, address()?);
        let admins = [address()?, address()?, address()?];
        let mut command = Command::new(program);
        command.arg("up");
        for setting in [
            format!("data_dir={}", data.path().display()),
            "log.filter=warn".into(),
            format!("embedded.listen={}", address()?),
            format!("redirector.listen={redirector}"),
            format!("redirector.admin={}", admins[0]),
            format!("ingest.listen={}", address()?),
            format!("ingest.admin={}", admins[1]),
            format!("analytics.listen={analytics}"),
            format!("analytics.admin={}", admins[2]),
            // We are the proxy that says whose request it is.
            "redirector.trusted_proxies=127.0.0.0/8".into(),
        ] {
            command.args(["--set", &setting]);
        }
        let mut whence = Server::start("whence up", command)?;
        for admin in admins {
            whence
                .until(&format!("http://{admin}/readyz"), StatusCode::OK)
                .await?;
        }
        Ok(Self {
            api: format!("http://{analytics}"),
            redirector: format!("http://{redirector}"),
            key: key_in(data.path())?,
            own: Some(Own {
                whence,
                _data: data,
            }),
        })
    }

    /// Stops what was started.
    pub(super) fn stop(self) -> Result<()> {
        match self.own {
            Some(own) => own.whence.stop(),
            None => Ok(()),
        }
    }
}
