//! ClickHouse as the bench asks it: over its HTTP interface, with texts and with bytes that are ready.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use whence_core::clickhouse::{INSERT_SETTINGS, ONCE_SETTINGS};

use crate::http::{self, Client};

/// A running engine.
#[derive(Clone)]
pub(super) struct Engine {
    client: Client,
    url: String,
}

impl Engine {
    /// The one that listens there.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self {
            client: http::client(),
            url: format!("http://{address}"),
        }
    }

    /// The base of its URLs.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement; says what it answers.
    pub(super) async fn ask(&self, sql: &str) -> Result<Bytes> {
        let body = Bytes::from(sql.to_owned());
        self.post(&format!("{}/", self.url), body)
            .await
            .with_context(|| sql.to_owned())
    }

    /// The one number that a query answers.
    pub(super) async fn number(&self, sql: &str) -> Result<u64> {
        let answer = self.ask(sql).await?;
        let text = std::str::from_utf8(&answer)?.trim();
        text.parse().with_context(|| format!("{sql}: {text:?}"))
    }

    /// The lines that a query answers, each split at its tabs.
    pub(super) async fn table(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let answer = self.ask(&format!("{sql} FORMAT TSV")).await?;
        let text = std::str::from_utf8(&answer)?;
        Ok(text
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect())
    }

    /// Inserts rows that are ready in one of ClickHouse's formats, with the settings that ingest pins.
    pub(super) async fn insert(
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

    async fn post(&self, url: &str, body: Bytes) -> Result<Bytes> {
        let request = Request::post(url).body(Full::from(body))?;
        let answer = http::send(&self.client, request).await?;
        ensure!(
            answer.status.is_success(),
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(answer.body)
    }
}
