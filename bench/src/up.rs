//! `whence up` in a process of its own: everything that there is, on free ports.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use hyper::StatusCode;
use whence_core::secret::Secret;

use crate::binary;
use crate::server::{self, Server};

/// A running installation.
pub(crate) struct Up {
    /// The process.
    pub(crate) server: Server,
    /// The links API and reports: the base of a URL.
    pub(crate) api: String,
    /// The redirector: the base of a URL.
    pub(crate) redirector: String,
    /// Where ClickHouse's engine listens.
    pub(crate) engine: SocketAddr,
    /// A key with every right to the workspace `main`.
    pub(crate) key: Secret,
}

impl Up {
    /// Starts it with its data in `data`, which may be there, and waits until all of it is ready.
    pub(crate) async fn start(data: &Path, settings: &[&str]) -> Result<Self> {
        let program = binary::beside("whence", "whence-embedded")?;
        let address = || server::free_address();
        let (redirector, analytics, engine) = (address()?, address()?, address()?);
        let admins = [address()?, address()?, address()?];
        let mut command = Command::new(program);
        command.arg("up");
        for setting in [
            format!("data_dir={}", data.display()),
            "log.filter=warn".into(),
            format!("embedded.listen={engine}"),
            format!("redirector.listen={redirector}"),
            format!("redirector.admin={}", admins[0]),
            format!("ingest.listen={}", address()?),
            format!("ingest.admin={}", admins[1]),
            format!("analytics.listen={analytics}"),
            format!("analytics.admin={}", admins[2]),
        ] {
            command.args(["--set", &setting]);
        }
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut server = Server::start("whence up", command)?;
        for admin in admins {
            server
                .until(&format!("http://{admin}/readyz"), StatusCode::OK)
                .await?;
        }
        Ok(Self {
            server,
            api: format!("http://{analytics}"),
            redirector: format!("http://{redirector}"),
            engine,
            key: key_in(data)?,
        })
    }
}

/// Reads the key that `whence up` has left in its data directory.
pub(crate) fn key_in(data: &Path) -> Result<Secret> {
    let path = data.join("api-key");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: no API key there; name one with --key, or the data directory with --data",
            path.display()
        )
    })?;
    Ok(Secret::new(text.trim()))
}
