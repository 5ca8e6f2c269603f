//! The little of ClickHouse that the harness asks, past every line that it breaks.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;

use crate::http;

/// Longer than any question of the oracle takes; shorter than a run.
const PATIENCE: Duration = Duration::from_secs(60);

/// ClickHouse.
#[derive(Clone)]
pub(super) struct Database {
    client: http::Client,
    address: SocketAddr,
    password: &'static str,
}

impl Database {
    /// ClickHouse at this address.
    pub(super) fn new(address: SocketAddr, password: &'static str) -> Self {
        Self {
            client: http::client(),
            address,
            password,
        }
    }

    /// What a statement answers, a row a line, columns separated by tabs.
    pub(super) async fn ask(&self, statement: &str) -> Result<String> {
        let request = Request::post(format!("http://{}/", self.address))
            .header("x-clickhouse-user", "default")
            .header("x-clickhouse-key", self.password)
            .header("x-clickhouse-format", "TabSeparated")
            .body(Full::new(Bytes::from(statement.to_owned())))?;
        let answer = tokio::time::timeout(PATIENCE, http::send(&self.client, request))
            .await
            .context("ClickHouse does not answer")??;
        let body = String::from_utf8(answer.body.to_vec())?;
        if !answer.status.is_success() {
            bail!("{statement}: {}: {body}", answer.status);
        }
        Ok(body)
    }

    /// The one number that a statement answers.
    pub(super) async fn number(&self, statement: &str) -> Result<u64> {
        let answer = self.ask(statement).await?;
        answer
            .trim()
            .parse()
            .with_context(|| format!("{statement}: {answer:?}"))
    }
}
