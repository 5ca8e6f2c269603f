//! The configuration as a whole, and the keys that services share, with their defaults. What one service
//! alone reads stands in `services`; where keys come from, in `layers`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::id::ClickIdKey;
use crate::salt::SaltKey;
use crate::secret::Secret;

use super::databases::Databases;
use super::retention::Retention;
use super::services::{Analytics, Ingest, Journal, Redirector};

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything that must last is kept; relative paths below stand in it.
    pub data_dir: DataDir,
    /// 32 hexadecimal digits that sign click ids: the same on every node, never changed.
    pub click_id_key: Secret,
    /// 64 hexadecimal digits that seal daily salts: the same for every ingest. What is not set follows from
    /// `click_id_key`.
    pub salt_key: Secret,
    /// Logging.
    pub log: Log,
    /// The link store.
    pub store: Store,
    /// ClickHouse.
    pub clickhouse: ClickHouse,
    /// How long what is stored there is kept.
    pub retention: Retention,
    /// What redirector and ingest both look up.
    pub databases: Databases,
    /// The edge.
    pub redirector: Redirector,
    /// The collector.
    pub ingest: Ingest,
    /// Links API and reports.
    pub analytics: Analytics,
    /// ClickHouse in a child process.
    pub embedded: Embedded,
}

/// A path with a default of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct DataDir(PathBuf);

impl Default for DataDir {
    fn default() -> Self {
        Self("data".into())
    }
}

impl Config {
    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir.0
    }

    /// The store's URL; by default a file in the data directory.
    #[must_use]
    pub fn store_url(&self) -> String {
        match self.store.url.expose() {
            "" => format!("file:{}", self.data_dir().join("links.redb").display()),
            url => url.to_owned(),
        }
    }

    /// Where a service keeps its journal; by default in the data directory, by the service's name.
    #[must_use]
    pub fn journal_dir(&self, journal: &Journal, service: &str) -> PathBuf {
        journal
            .dir
            .clone()
            .unwrap_or_else(|| self.data_dir().join("journal").join(service))
    }

    /// The key that signs click ids.
    pub fn click_id_key(&self) -> Result<ClickIdKey, String> {
        let text = self.click_id_key.expose();
        if text.is_empty() {
            return Err("click_id_key is not set; make one with: openssl rand -hex 16".into());
        }
        let number = u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| text.len() == 32);
        number
            .map(|n| ClickIdKey::new(n.to_be_bytes()))
            .ok_or_else(|| "click_id_key must be 32 hexadecimal digits".into())
    }

    /// The key that seals daily salts.
    pub fn salt_key(&self) -> Result<SaltKey, String> {
        match self.salt_key.expose() {
            "" => {
                self.click_id_key()?;
                Ok(SaltKey::derived_from(self.click_id_key.expose().as_bytes()))
            }
            text => SaltKey::from_hex(text)
                .ok_or_else(|| "salt_key must be 64 hexadecimal digits".into()),
        }
    }
}

/// Where and how to log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What to log, as `tracing` filters have it: `info`, or `warn,whence_ingest=debug`.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where links are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `file:PATH` (one process) or `redis://[user:password@]host:port` (a fleet). A secret, since it
    /// may hold a password.
    pub url: Secret,
}

/// Where clicks and conversions are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickHouse {
    /// Its HTTP interface.
    pub url: String,
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// Database; made when it is missing.
    pub database: String,
}

impl Default for ClickHouse {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8123".into(),
            user: "default".into(),
            password: Secret::default(),
            database: "whence".into(),
        }
    }
}

/// ClickHouse's engine in a child process: what `whence up` starts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// Whether `whence up` starts the engine; else `clickhouse.url` names a server of yours.
    pub clickhouse: bool,
    /// Where the engine's HTTP interface answers.
    pub listen: SocketAddr,
    /// The engine's library; by default the one that `npm ci` brings.
    pub library: Option<PathBuf>,
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            clickhouse: true,
            listen: ([127, 0, 0, 1], 8123).into(),
            library: None,
        }
    }
}
