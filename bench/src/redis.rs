//! A redis-server of the bench's own, which keeps nothing on disk.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;
use tokio::net::TcpStream;

use crate::server::{self, Server};

/// A running redis-server, killed when it is dropped.
pub(crate) struct Redis {
    address: SocketAddr,
    // Held for its drop.
    _server: Server,
}

impl Redis {
    /// Whether there is a redis-server to start.
    pub(crate) fn is_installed() -> bool {
        let asked = Command::new("redis-server").arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    }

    /// Starts one on a free port.
    pub(crate) async fn start() -> Result<Self> {
        let address = server::free_address()?;
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no"]);
        let mut server = Server::start("redis-server", command)?;
        server
            .until_true(async || TcpStream::connect(address).await.is_ok())
            .await?;
        Ok(Self {
            address,
            _server: server,
        })
    }

    /// Where a link store finds it.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}
