//! ClickHouse as the bench asks it: over its HTTP interface, with texts and with bytes that are ready.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use whence_core::clickhouse::{INSERT_SETTINGS, ONCE_SETTINGS};

use crate::http::{self, Client};

/// What loading and merging a hundred million rows may take in one statement.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A running engine.
#[derive(Clone)]
pub(crate) struct Engine {
    client: Client,
    url: String,
    password: String,
}

/// What a statement took.
pub(crate) struct Told {
    /// Rows that were read.
    pub(crate) rows: u64,
    /// Bytes that were read, before compression.
    pub(crate) bytes: u64,
}

impl Engine {
    /// The one that listens there, which asks for no password.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self::with_password(address, "")
    }

    /// The one that listens there, whose one user has this password.
    pub(crate) fn with_password(address: SocketAddr, password: &str) -> Self {
        Self {
            client: http::client(),
            url: format!("http://{address}"),
            password: password.to_owned(),
        }
    }

    /// The base of its URLs.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement; says what it answers.
    pub(crate) async fn ask(&self, sql: &str) -> Result<Bytes> {
        let body = Bytes::from(sql.to_owned());
        self.post(&format!("{}/", self.url), body)
            .await
            .with_context(|| sql.to_owned())
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, sql: &str) -> Result<u64> {
        let answer = self.ask(sql).await?;
        let text = std::str::from_utf8(&answer)?.trim();
        text.parse().with_context(|| format!("{sql}: {text:?}"))
    }

    /// The lines that a query answers, each split at its tabs.
    pub(crate) async fn table(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let answer = self.ask(&format!("{sql} FORMAT TSV")).await?;
        let text = std::str::from_utf8(&answer)?;
        Ok(text
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect())
    }

    /// Inserts rows that are ready in one of ClickHouse's formats, with the settings that ingest pins.
    pub(crate) async fn insert(
        &self,
        table: &str,
        format: &str,
        token: &str,
        rows: Bytes,
    ) -> Result<()> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut url = format!(
            "{}/?query={}&insert_deduplication_token={}",
            self.url,
            encoded(&format!("INSERT INTO {table} FORMAT {format}")),
            encoded(token)
        );
        for (name, value) in INSERT_SETTINGS.iter().chain(ONCE_SETTINGS) {
            url.push_str(&format!("&{name}={value}"));
        }
        self.post(&url, rows).await?;
        Ok(())
    }

    /// Runs a statement with parameters and settings, each a name and a value, however long it takes; says what it read.
    pub(crate) async fn run(
        &self,
        database: &str,
        sql: &str,
        settings: &[(String, String)],
    ) -> Result<Told> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut url = format!("{}/?database={database}&wait_end_of_query=1", self.url);
        for (name, value) in settings {
            url.push_str(&format!("&{name}={}", encoded(value)));
        }
        let request = self.request(&url, Bytes::from(sql.to_owned()))?;
        let answer = http::send_within(&self.client, request, LONGEST).await?;
        let summary = answer.headers.get("x-clickhouse-summary");
        let summary = summary.map_or(b"{}".as_slice(), HeaderValue::as_bytes);
        let summary: Summary = serde_json::from_slice(summary).context("the engine's summary")?;
        sound(answer)?;
        Ok(Told {
            rows: summary.read_rows.parse()?,
            bytes: summary.read_bytes.parse()?,
        })
    }

    async fn post(&self, url: &str, body: Bytes) -> Result<Bytes> {
        let answer = http::send(&self.client, self.request(url, body)?).await?;
        sound(answer)
    }

    fn request(&self, url: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::post(url);
        if !self.password.is_empty() {
            request = request
                .header("x-clickhouse-user", "default")
                .header("x-clickhouse-key", &self.password);
        }
        Ok(request.body(Full::from(body))?)
    }
}

/// What the engine says that it read, as texts.
#[derive(Deserialize)]
struct Summary {
    #[serde(default = "none")]
    read_rows: String,
    #[serde(default = "none")]
    read_bytes: String,
}

fn none() -> String {
    "0".to_owned()
}

fn sound(answer: http::Answer) -> Result<Bytes> {
    ensure!(
        answer.status.is_success(),
        "{}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    Ok(answer.body)
}
