//! Where a log is replayed: an installation that runs, or one of our own.

use anyhow::{Context, Result};
use tempfile::TempDir;
use whence_core::secret::Secret;

use crate::server::Server;
use crate::up::Up;

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
        let data = tempfile::tempdir().context("a temporary directory")?;
        // We are the proxy that says whose request it is.
        let settings = ["redirector.trusted_proxies=127.0.0.0/8"];
        let up = Up::start(data.path(), &settings).await?;
        Ok(Self {
            api: up.api,
            redirector: up.redirector,
            key: up.key,
            own: Some(Own {
                whence: up.server,
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
