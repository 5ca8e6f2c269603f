//! Puts the files of `sql/audit` to ClickHouse, in the order that makes them a proof.

use std::time::{Duration, Instant};

use clickhouse::error::Error;
use clickhouse::query::Query as Statement;
use clickhouse::{Client, RowOwned, RowRead};
use jiff::Timestamp;
use thiserror::Error;
use whence_core::config;
use whence_core::journal::LaneId;

use super::lanes::{self, Kind};
use super::report::{Audit, Lanes};
use super::{events, rollup};

/// How often something is asked for before it is called wrong: a block that is just being inserted is not in both
/// tables in one instant.
pub(super) const TRIES: usize = 3;
/// Between two tries: an insert takes a fraction of it.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// What ClickHouse may take beyond its own limit to notice it and say so, before we hang up.
const GRACE: Duration = Duration::from_secs(5);
/// How much memory grouping may take before it goes on on disk: a server's whole memory is not an audit's.
const GROUPS_IN_MEMORY: &str = "536870912";

/// ClickHouse did not answer one of an audit's questions.
#[derive(Debug, Error)]
#[error("{question}: {source}")]
pub struct AuditError {
    /// Which question, by its file.
    pub question: &'static str,
    /// What ClickHouse says.
    pub source: Error,
}

/// A question of an audit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql {
    /// The name of its file.
    pub(super) name: &'static str,
    /// Its text.
    pub(super) text: &'static str,
}

/// A file of `sql/audit`.
macro_rules! sql {
    ($name:literal) => {
        $crate::audit::auditor::Sql {
            name: $name,
            text: include_str!(concat!("../../../sql/audit/", $name, ".sql")),
        }
    };
}
pub(super) use sql;

/// Asks ClickHouse whether everything is there.
#[derive(Clone)]
pub struct Auditor {
    client: Client,
    patience: Duration,
}

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auditor")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Auditor {
    /// An auditor that asks the configured ClickHouse and gives each of its questions this long.
    #[must_use]
    pub fn new(config: &config::ClickHouse, limit: Duration) -> Self {
        let client = whence_core::clickhouse::client(config)
            .with_setting("max_execution_time", limit.as_secs_f64().to_string())
            .with_setting("timeout_overflow_mode", "throw")
            // An error in the middle is an error, not a short answer.
            .with_setting("wait_end_of_query", "1")
            .with_setting("max_bytes_before_external_group_by", GROUPS_IN_MEMORY);
        Self {
            client,
            patience: limit + GRACE,
        }
    }

    /// Audits these lanes, or everything where none are named.
    pub async fn audit(&self, lanes: &[LaneId]) -> Result<Audit, AuditError> {
        let (now, started) = (Timestamp::now(), Instant::now());
        let lanes: Vec<u64> = lanes.iter().map(|lane| lane.get()).collect();
        // First of all; see the invariant.
        let accounts = lanes::accounts(self, &lanes).await?;
        let clicks = lanes::audit(self, Kind::Clicks, &accounts, &lanes, now).await?;
        let conversions = lanes::audit(self, Kind::Conversions, &accounts, &lanes, now).await?;
        let (events, rollup) = match lanes.is_empty() {
            true => (
                Some(events::audit(self).await?),
                Some(rollup::audit(self).await?),
            ),
            false => (None, None),
        };
        let mut audit = Audit {
            clean: false,
            asked_at: now.to_string(),
            took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            clicks: Lanes::of(clicks),
            conversions: Lanes::of(conversions),
            events,
            rollup,
        };
        audit.clean = audit.is_clean();
        Ok(audit)
    }

    /// Asks one question, with the parameters that `put` gives it.
    pub(super) async fn ask<T: RowOwned + RowRead>(
        &self,
        sql: Sql,
        put: impl FnOnce(Statement) -> Statement,
    ) -> Result<Vec<T>, AuditError> {
        let rows = put(self.client.query_raw(sql.text)).fetch_all::<T>();
        let rows = tokio::time::timeout(self.patience, rows).await;
        rows.unwrap_or(Err(Error::TimedOut))
            .map_err(|source| AuditError {
                question: sql.name,
                source,
            })
    }
}
