//! Puts the files of `sql/reports` to ClickHouse and brings back rows, what it cost, or a problem.
//!
//! Values go as server-side parameters, never into the text. Every statement is a SELECT, so a user
//! with `readonly = 2` is enough.

use std::ops::Add;
use std::time::Instant;

use clickhouse::error::Error;
use clickhouse::query::Query as Statement;
use clickhouse::{Client, Row, RowOwned, RowRead};
use serde::Deserialize;
use whence_core::config::Config;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::bounds::{Bounds, no_turn, problem};
use super::turns::Turns;
use crate::metrics::Metrics;

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

impl Read {
    /// Of what was not asked.
    pub(crate) const NOTHING: Self = Self {
        rows: Some(0),
        bytes: Some(0),
    };
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
    bounds: Bounds,
    turns: Turns,
    metrics: Metrics,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warehouse")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl Warehouse {
    /// The configured ClickHouse.
    pub(crate) fn new(config: &Config, metrics: Metrics) -> Self {
        let bounds = Bounds::of(&config.analytics);
        let client = bounds
            .hold(whence_core::clickhouse::client(&config.clickhouse))
            // The status and the summary are those of the whole query, not of its first rows.
            .with_setting("wait_end_of_query", "1")
            // The row that FINAL keeps may lie in a granule that an index on another column skips.
            .with_setting("use_skip_indexes_if_final", "0")
            // All readings of a table see the same rows of it (sql/carried/every.sql).
            .with_setting("enable_shared_storage_snapshot_in_query", "1");
        Self {
            client,
            turns: Turns::new(bounds.at_a_time),
            bounds,
            metrics,
        }
    }

    /// Asks a report's statement, with the parameters that `put` gives it, when the workspace's turn comes.
    pub(super) async fn ask<T: RowOwned + RowRead>(
        &self,
        workspace: &WorkspaceId,
        sql: Sql,
        put: impl FnOnce(Statement) -> Statement,
    ) -> Result<(Vec<T>, Read), Problem> {
        self.ask_text(workspace, sql.name, sql.text, put).await
    }

    /// Asks a statement that was put together for this question, under a name for metrics and logs, when the workspace's
    /// turn comes.
    pub(crate) async fn ask_text<T: RowOwned + RowRead>(
        &self,
        workspace: &WorkspaceId,
        name: &'static str,
        text: &str,
        put: impl FnOnce(Statement) -> Statement,
    ) -> Result<(Vec<T>, Read), Problem> {
        let mut rows = Vec::new();
        let read = self
            .each::<T>(workspace, name, text, put, |row| rows.push(row))
            .await?;
        Ok((rows, read))
    }

    /// The same, and shows the rows one by one. Who no longer waits for the answer (its caller has hung up) also ends the query: the
    /// connection to ClickHouse falls with it, and ClickHouse is told to mind.
    pub(crate) async fn each<T: RowRead>(
        &self,
        workspace: &WorkspaceId,
        name: &'static str,
        text: &str,
        put: impl FnOnce(Statement) -> Statement,
        show: impl FnMut(T::Value<'_>),
    ) -> Result<Read, Problem> {
        let statement = put(self.client.query_raw(text));
        let turn = tokio::time::timeout(self.bounds.wait, self.turns.take(workspace)).await;
        let _turn = turn
            .map_err(|_| None)
            .and_then(|turn| turn.map_err(Some))
            .map_err(no_turn)?;
        let started = Instant::now();
        let read = tokio::time::timeout(self.bounds.patience(), fetch::<T>(statement, show)).await;
        let result = read.unwrap_or(Err(Error::TimedOut));
        self.metrics.query(name, started.elapsed(), result.is_ok());
        result.map_err(|error| problem(name, &error))
    }

    /// The last events of a workspace.
    pub(crate) async fn freshness(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<(Fresh, Read), Problem> {
        let put = |statement: Statement| statement.param("workspace", workspace.as_str());
        let (rows, read) = self.ask::<Fresh>(workspace, FRESHNESS, put).await?;
        let nothing = Fresh {
            last_click_ms: 0,
            last_conversion_ms: 0,
        };
        Ok((rows.first().copied().unwrap_or(nothing), read))
    }
}

async fn fetch<T: RowRead>(
    statement: Statement,
    mut show: impl FnMut(T::Value<'_>),
) -> Result<Read, Error> {
    let mut cursor = statement.fetch::<T>()?;
    while let Some(row) = cursor.next().await? {
        show(row);
    }
    let summary = cursor.summary();
    Ok(Read {
        rows: summary.and_then(|summary| summary.read_rows()),
        bytes: summary.and_then(|summary| summary.read_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
