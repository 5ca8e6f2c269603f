//! Puts the files of `sql/reports` to ClickHouse and brings back rows, what it cost, or a problem.
//!
//! Values go as server-side parameters, never into the text. Every statement is a SELECT, so a user
//! with `readonly = 2` is enough.

use std::ops::Add;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use clickhouse::error::Error;
use clickhouse::query::Query as Statement;
use clickhouse::{Client, Row, RowOwned, RowRead};
use serde::Deserialize;
use tokio::sync::Semaphore;
use whence_core::config::Config;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use crate::metrics::Metrics;
use crate::problems::away;

/// What ClickHouse may take beyond its own limit to notice it and say so, before we hang up.
const GRACE: Duration = Duration::from_secs(5);
/// Queries at a time; more would only share the same cores and leave none to inserts.
const QUERIES_AT_A_TIME: usize = 4;

/// ClickHouse's numbers for what went wrong.
mod code {
    /// The query ran for as long as it may.
    pub(super) const TIMEOUT_EXCEEDED: u32 = 159;
    /// A network peer of the server, or the embedded engine's limit, gave up waiting.
    pub(super) const SOCKET_TIMEOUT: u32 = 209;
    /// The server gave the query up, as it does when it stops.
    pub(super) const ABORTED: u32 = 236;
    /// Somebody ended the query.
    pub(super) const QUERY_WAS_CANCELLED: u32 = 394;
    /// As many queries are running as may.
    pub(super) const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
    /// The query, or all together, want more memory than there is.
    pub(super) const MEMORY_LIMIT_EXCEEDED: u32 = 241;
    /// Not migrated yet.
    pub(super) const UNKNOWN_TABLE: u32 = 60;
    /// Not migrated yet.
    pub(super) const UNKNOWN_DATABASE: u32 = 81;
}

/// A report's statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql {
    /// Its name in the metrics.
    pub(super) name: &'static str,
    /// Its text.
    pub(super) text: &'static str,
}

/// A statement out of files in `sql/reports`, one after the other.
macro_rules! sql {
    ($name:literal: $($file:literal),+) => {
        $crate::reports::warehouse::Sql {
            name: $name,
            text: concat!($(include_str!(concat!("../../../sql/reports/", $file))),+),
        }
    };
}
pub(super) use sql;

const FRESHNESS: Sql = sql!("freshness": "freshness.sql");

/// What ClickHouse read, where it says so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Read {
    /// Rows.
    pub(crate) rows: Option<u64>,
    /// Bytes, before compression.
    pub(crate) bytes: Option<u64>,
}

impl Add for Read {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
        Self {
            rows: sum(self.rows, other.rows),
            bytes: sum(self.bytes, other.bytes),
        }
    }
}

/// The last events of a workspace, in milliseconds since 1970; 0 for none.
#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub(crate) struct Fresh {
    /// When the last click happened.
    pub(crate) last_click_ms: i64,
    /// When the last conversion came.
    pub(crate) last_conversion_ms: i64,
}

/// ClickHouse, as reports ask it.
#[derive(Clone)]
pub(crate) struct Warehouse {
    client: Client,
    patience: Duration,
    turns: Arc<Semaphore>,
    metrics: Metrics,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warehouse")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Warehouse {
    /// The configured ClickHouse.
    pub(crate) fn new(config: &Config, metrics: Metrics) -> Self {
        let limit = Duration::from_millis(config.analytics.query_timeout_ms);
        let client = whence_core::clickhouse::client(&config.clickhouse)
            .with_setting("max_execution_time", limit.as_secs_f64().to_string())
            .with_setting("timeout_overflow_mode", "throw")
            // The status and the summary are those of the whole query, not of its first rows.
            .with_setting("wait_end_of_query", "1")
            // The row that FINAL keeps may lie in a granule that an index on another column skips.
            .with_setting("use_skip_indexes_if_final", "0");
        Self {
            client,
            patience: limit + GRACE,
            turns: Arc::new(Semaphore::new(QUERIES_AT_A_TIME)),
            metrics,
        }
    }

    /// Asks a report's statement, with the parameters that `put` gives it, when its turn comes.
    pub(super) async fn ask<T: RowOwned + RowRead>(
        &self,
        sql: Sql,
        put: impl FnOnce(Statement) -> Statement,
    ) -> Result<(Vec<T>, Read), Problem> {
        self.ask_text(sql.name, sql.text, put).await
    }

    /// Asks a statement that was put together for this question, under a name for metrics and logs.
    pub(crate) async fn ask_text<T: RowOwned + RowRead>(
        &self,
        name: &'static str,
        text: &str,
        put: impl FnOnce(Statement) -> Statement,
    ) -> Result<(Vec<T>, Read), Problem> {
        let started = Instant::now();
        let statement = put(self.client.query_raw(text));
        let ask = async {
            // Nobody closes it.
            let _turn = self.turns.acquire().await;
            fetch(statement).await
        };
        let rows = tokio::time::timeout(self.patience, ask).await;
        let result = rows.unwrap_or(Err(Error::TimedOut));
        self.metrics.query(name, started.elapsed(), result.is_ok());
        result.map_err(|error| problem(name, &error))
    }

    /// The last events of a workspace.
    pub(crate) async fn freshness(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(Fresh, Read), Problem> {
        let put = |statement: Statement| statement.param("workspace", workspace.as_str());
        let (rows, read) = self.ask::<Fresh>(FRESHNESS, put).await?;
        let nothing = Fresh {
            last_click_ms: 0,
            last_conversion_ms: 0,
        };
        Ok((rows.first().copied().unwrap_or(nothing), read))
    }
}

async fn fetch<T: RowOwned + RowRead>(statement: Statement) -> Result<(Vec<T>, Read), Error> {
    let mut cursor = statement.fetch::<T>()?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().await? {
        rows.push(row);
    }
    let summary = cursor.summary();
    let read = Read {
        rows: summary.and_then(|summary| summary.read_rows()),
        bytes: summary.and_then(|summary| summary.read_bytes()),
    };
    Ok((rows, read))
}

/// What the caller is told. What ClickHouse says goes to the log: it is about our statement, which the
/// caller has not written.
pub(crate) fn problem(query: &'static str, error: &Error) -> Problem {
    let slow = || {
        let detail = "the report took too long and was stopped; ask for a shorter range";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, detail)
    };
    match error {
        Error::Network(_) => {
            tracing::warn!(query, %error, "ClickHouse is unavailable");
            away()
        }
        Error::TimedOut => slow(),
        Error::BadResponse(text) => match exception_code(text) {
            Some(code::TIMEOUT_EXCEEDED | code::SOCKET_TIMEOUT) => slow(),
            // A proxy before ClickHouse says what it says without a number.
            None
            | Some(
                code::ABORTED
                | code::QUERY_WAS_CANCELLED
                | code::TOO_MANY_SIMULTANEOUS_QUERIES
                | code::MEMORY_LIMIT_EXCEEDED
                | code::UNKNOWN_TABLE
                | code::UNKNOWN_DATABASE,
            ) => {
                tracing::warn!(query, %error, "ClickHouse cannot answer now");
                away()
            }
            _ => broken(query, error),
        },
        error => broken(query, error),
    }
}

fn broken(query: &'static str, error: &Error) -> Problem {
    tracing::error!(query, %error, "ClickHouse refused a report");
    let detail = "ClickHouse refused this report; its reason stands in the server's log";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// The number in `Code: 159. DB::Exception: …`.
fn exception_code(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("Code: ")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_told_by_its_number() {
        let status = |text: &str| problem("test", &Error::BadResponse(text.into())).status();
        assert_eq!(status("Code: 159. DB::Exception: Timeout exceeded"), 504);
        assert_eq!(
            status("Code: 202. DB::Exception: Too many simultaneous queries"),
            503
        );
        assert_eq!(status("Code: 60. DB::Exception: Unknown table"), 503);
        assert_eq!(status("Code: 62. DB::Exception: Syntax error"), 500);
        assert_eq!(status("Code: 236. DB::Exception: Aborted"), 503);
        assert_eq!(status("Code: 394. DB::Exception: Query was cancelled"), 503);
        assert_eq!(status("502 Bad Gateway"), 503);
        let away = problem("test", &Error::Network("connection refused".into()));
        assert_eq!(away.status(), 503);
        assert_eq!(problem("test", &Error::TimedOut).status(), 504);
    }

    #[test]
    fn a_cost_that_is_not_known_is_not_guessed() {
        let known = Read {
            rows: Some(1),
            bytes: Some(10),
        };
        let half = Read {
            rows: Some(2),
            bytes: None,
        };
        let sum = known + half;
        assert_eq!((sum.rows, sum.bytes), (Some(3), None));
    }
}
