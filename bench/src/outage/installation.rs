//! The processes: an engine that can be hung, killed and started again, an ingest, a redirector.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper::StatusCode;
use rustix::process::Signal;
use whence_core::clickhouse;
use whence_core::config;
use whence_core::secret::Secret;

use super::figures::Stored;
use super::watch::Sources;
use crate::links::{self, Kind};
use crate::server::{self, Server};
use crate::{binary, edge, http};

/// Of the engine; nothing is in it but this bench's clicks.
const PASSWORD: &str = "only for a bench";
/// What the redirector shows to ingest.
const TOKEN: &str = "a bench's token";
/// The same on both, so that a click id is believed.
const CLICK_ID_KEY: &str = "00112233445566778899aabbccddeeff";
/// Between two looks whether everything is stored.
const LOOK: Duration = Duration::from_millis(200);

/// Everything that runs.
pub(super) struct Installation {
    engine: Option<Server>,
    engine_address: SocketAddr,
    engine_dir: PathBuf,
    ingest: Server,
    redirector: Server,
    redirector_admin: SocketAddr,
    redirector_address: SocketAddr,
}

impl Installation {
    /// Starts it with so many links.
    pub(super) async fn start(dir: &Path, threads: u8, links: u32) -> Result<Self> {
        let engine_address = server::free_address()?;
        let engine_dir = dir.join("clickhouse");
        let engine = start_engine(&engine_dir, engine_address).await?;
        let settings = clickhouse_settings(engine_address);
        clickhouse::migrate(&clickhouse::client(&settings), &settings.database).await?;

        let (ingest_address, ingest_admin) = (server::free_address()?, server::free_address()?);
        let mut ingest = service(
            "whence-ingest",
            &dir.join("ingest"),
            &[
                format!("clickhouse.url={}", settings.url),
                format!("clickhouse.password={PASSWORD}"),
                format!("ingest.listen={ingest_address}"),
                format!("ingest.admin={ingest_admin}"),
            ],
        )?;
        until_ready(&mut ingest, ingest_admin).await?;

        let data = dir.join("redirector");
        std::fs::create_dir_all(&data)?;
        let store = format!("file:{}", data.join("links.redb").display());
        {
            let store = whence_core::store::open(&store).await?;
            links::make(&store, 0..links, Kind::Labelled).await?;
        }
        let (redirector_address, redirector_admin) =
            (server::free_address()?, server::free_address()?);
        let mut redirector = service(
            "whence-redirector",
            &data,
            &[
                format!("store.url={store}"),
                format!("redirector.listen={redirector_address}"),
                format!("redirector.admin={redirector_admin}"),
                format!("redirector.threads={threads}"),
                format!("redirector.ingest=http://{ingest_address}"),
                // The limits count, as they do in life, and never say no.
                "redirector.client_rate=1000000".into(),
                "redirector.client_burst=1000000".into(),
            ],
        )?;
        until_ready(&mut redirector, redirector_admin).await?;
        Ok(Self {
            engine: Some(engine),
            engine_address,
            engine_dir,
            ingest,
            redirector,
            redirector_admin,
            redirector_address,
        })
    }

    /// Where clicks go.
    pub(super) fn redirector_address(&self) -> SocketAddr {
        self.redirector_address
    }

    /// What is to be watched.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            redirector: self.redirector.id(),
            ingest: self.ingest.id(),
            redirector_admin: self.redirector_admin,
        }
    }

    /// The engine answers nothing from now on, and closes nothing.
    pub(super) fn hang(&self) -> Result<()> {
        let engine = self.engine.as_ref().context("the engine runs")?;
        engine.signal(Signal::STOP)
    }

    /// `kill -9` of the engine, hung or not.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.engine.take().context("the engine runs")?.kill()
    }

    /// Starts the engine again, on the same data and port.
    pub(super) async fn start_engine(&mut self) -> Result<()> {
        self.engine = Some(start_engine(&self.engine_dir, self.engine_address).await?);
        Ok(())
    }

    /// Clicks in the redirector's journal that have not arrived.
    pub(super) async fn backlog(&self) -> Result<u64> {
        self.figure("whence_redirector_journal_backlog_records")
            .await
    }

    /// Clicks that the redirector has delivered.
    pub(super) async fn delivered(&self) -> Result<u64> {
        self.figure("whence_redirector_records_delivered_total")
            .await
    }

    /// Clicks that the journal had no room for.
    pub(super) async fn dropped(&self) -> Result<u64> {
        self.figure("whence_redirector_events_dropped_total").await
    }

    /// Waits until ClickHouse has as many clicks as were answered; says what it has then, or at last.
    pub(super) async fn stored_at_last(&self, answered: u64, patience: Duration) -> Result<Stored> {
        let client = clickhouse::client(&clickhouse_settings(self.engine_address));
        let start = Instant::now();
        loop {
            let query = "SELECT count(), uniqExact(lane, seq), uniqExact(click_id) FROM clicks";
            let (rows, numbers, ids) = client.query(query).fetch_one::<(u64, u64, u64)>().await?;
            let rolled_up = client
                .query("SELECT countMerge(`count()`) FROM mergeTreeProjection(currentDatabase(), 'clicks', 'click_hours')")
                .fetch_one::<u64>()
                .await?;
            if ids >= answered || start.elapsed() > patience {
                return Ok(Stored {
                    rows,
                    numbers,
                    ids,
                    rolled_up,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Stops everything as an operator would, in the order in which data flows.
    pub(super) fn stop(self) -> Result<()> {
        self.redirector.stop()?;
        self.ingest.stop()?;
        self.engine.map_or(Ok(()), Server::stop)
    }

    async fn figure(&self, name: &str) -> Result<u64> {
        let url = format!("http://{}/metrics", self.redirector_admin);
        let answer = http::get(&http::client(), &url).await?;
        let text = String::from_utf8(answer.body.to_vec())?;
        edge::metric(&text, name, "").with_context(|| format!("the metrics have no {name}"))
    }
}

fn clickhouse_settings(address: SocketAddr) -> config::ClickHouse {
    config::ClickHouse {
        url: format!("http://{address}"),
        password: Secret::new(PASSWORD),
        ..config::ClickHouse::default()
    }
}

async fn start_engine(dir: &Path, address: SocketAddr) -> Result<Server> {
    let mut command = Command::new(binary::beside("whence", "whence-embedded")?);
    command
        .args(["clickhouse", "--listen", &address.to_string(), "--path"])
        .arg(dir)
        .env("WHENCE_CLICKHOUSE__PASSWORD", PASSWORD);
    let mut engine = Server::start("whence clickhouse", command)?;
    let client = clickhouse::client(&clickhouse_settings(address)).with_database("default");
    let answers = async || client.query("SELECT 1").fetch_one::<u8>().await.is_ok();
    engine.until_true(answers).await?;
    Ok(engine)
}

fn service(name: &'static str, data: &Path, settings: &[String]) -> Result<Server> {
    let mut command = Command::new(binary::beside(name, name)?);
    let shared = [
        format!("data_dir={}", data.display()),
        format!("click_id_key={CLICK_ID_KEY}"),
        format!("ingest.token={TOKEN}"),
        // That ClickHouse is away is said again and again, and is meant to be.
        "log.filter=error".into(),
    ];
    for setting in shared.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    Server::start(name, command)
}

async fn until_ready(server: &mut Server, admin: SocketAddr) -> Result<()> {
    let url = format!("http://{admin}/readyz");
    server.until(&url, StatusCode::OK).await
}
