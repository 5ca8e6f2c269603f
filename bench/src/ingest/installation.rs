//! What is measured: the engine and the collector, each in a process of its own, so that each one's CPU time is
//! known; and, for what a visitor waits, a redirector before them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use hyper::StatusCode;
use whence_core::clickhouse;
use whence_core::config;

use crate::binary;
use crate::engine::Engine;
use crate::server::{self, Server};

/// What a redirector presents to ingest.
pub(super) const TOKEN: &str = "only for a bench";
/// The key that signs click ids, in the configuration's form.
pub(super) const KEY: &str = "00112233445566778899aabbccddeeff";
/// The database that ingest writes to.
pub(super) const DATABASE: &str = "whence";
/// Its twins, with equal tables, for bare inserts: each with the form of its rows. Ingest's own form, and the one that
/// costs the engine least.
pub(super) const BARE: [(&str, &str); 2] = [("bare", "RowBinary"), ("bare_native", "Native")];

/// The running processes; ingest stops before the engine.
pub(super) struct Installation {
    /// `whence-ingest`.
    pub(super) ingest: Server,
    /// `whence clickhouse`.
    pub(super) clickhouse: Server,
    /// How the engine is asked.
    pub(super) engine: Engine,
    /// Where ingest takes blocks: the base of a URL.
    pub(super) ingest_url: String,
}

impl Installation {
    /// Starts engine and ingest with their data in `dir`, and migrates all databases.
    pub(super) async fn start(dir: &Path) -> Result<Self> {
        let whence = binary::beside("whence", "whence-embedded")?;
        let address = server::free_address()?;
        let mut command = Command::new(&whence);
        command.args(["clickhouse", "--listen", &address.to_string(), "--path"]);
        command.arg(dir.join("clickhouse"));
        let mut server = Server::start("whence clickhouse", command)?;
        let engine = Engine::at(address);
        server
            .until_true(async || engine.ask("SELECT 1").await.is_ok())
            .await?;
        for database in databases() {
            let settings = config::ClickHouse {
                url: engine.url().to_owned(),
                database: database.into(),
                ..config::ClickHouse::default()
            };
            clickhouse::migrate(&clickhouse::client(&settings), database).await?;
        }
        let (listen, admin) = (server::free_address()?, server::free_address()?);
        let settings = [
            format!("clickhouse.url={}", engine.url()),
            format!("clickhouse.database={DATABASE}"),
            format!("ingest.listen={listen}"),
            format!("ingest.admin={admin}"),
        ];
        let ingest = service("whence-ingest", &dir.join("ingest"), admin, &settings).await?;
        Ok(Self {
            ingest,
            clickhouse: server,
            engine,
            ingest_url: format!("http://{listen}"),
        })
    }

    /// Stops both.
    pub(super) fn stop(self) -> Result<()> {
        self.ingest.stop()?;
        self.clickhouse.stop()
    }
}

/// All databases, each with the same tables.
pub(super) fn databases() -> impl Iterator<Item = &'static str> {
    std::iter::once(DATABASE).chain(BARE.map(|(database, _)| database))
}

/// Starts one of the services with its data in `data`, and waits until it is ready.
pub(super) async fn service(
    name: &'static str,
    data: &Path,
    admin: SocketAddr,
    settings: &[String],
) -> Result<Server> {
    let mut command = Command::new(binary::beside(name, name)?);
    let shared = [
        format!("data_dir={}", data.display()),
        format!("click_id_key={KEY}"),
        "log.filter=warn".into(),
        format!("ingest.token={TOKEN}"),
    ];
    for setting in shared.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    let mut server = Server::start(name, command)?;
    let ready = format!("http://{admin}/readyz");
    server.until(&ready, StatusCode::OK).await?;
    Ok(server)
}
