//! What ClickHouse knows of variants: who was sent to them, and who of these converted.

use std::time::{Duration, Instant};

use clickhouse::error::Error;
use clickhouse::query::Query;
use clickhouse::{Client, Row, RowOwned, RowRead};
use serde::Deserialize;
use thiserror::Error;
use whence_core::config::Config;
use whence_core::link::Link;
use whence_core::workspace::WorkspaceId;

use super::posterior::Tally;
use crate::metrics::Metrics;

/// The most links that a round looks at; the others come in a later one, when they are clicked again.
const MOST_LINKS: u32 = 100_000;
/// How long a query may take. Nobody waits for it.
const LIMIT: Duration = Duration::from_secs(60);

/// ClickHouse did not say what it knows.
#[derive(Debug, Error)]
#[error("{query}: {source}")]
pub(super) struct EvidenceError {
    query: &'static str,
    source: Error,
}

/// A link that somebody was sent to a variant of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Row, Deserialize)]
pub(super) struct Clicked {
    /// Whose it is.
    pub(super) workspace: String,
    /// Its id.
    pub(super) link_id: u64,
}

#[derive(Debug, Row, Deserialize)]
struct Counted {
    link_id: u64,
    name: String,
    clicks: u64,
    converted: u64,
}

/// ClickHouse, as this room asks it.
#[derive(Clone)]
pub(super) struct Evidence {
    client: Client,
    metrics: Metrics,
}

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence").finish_non_exhaustive()
    }
}

impl Evidence {
    /// The configured ClickHouse.
    pub(super) fn new(config: &Config, metrics: Metrics) -> Self {
        let client = whence_core::clickhouse::client(&config.clickhouse)
            .with_setting("max_execution_time", LIMIT.as_secs().to_string())
            .with_setting("timeout_overflow_mode", "throw")
            // Reports that somebody waits for go first.
            .with_setting("max_threads", "1")
            // The row that FINAL keeps may lie in a granule that an index on another column skips.
            .with_setting("use_skip_indexes_if_final", "0");
        Self { client, metrics }
    }

    /// The links that were clicked in the last so many seconds and sent somebody to a variant.
    pub(super) async fn clicked(&self, seconds: u64) -> Result<Vec<Clicked>, EvidenceError> {
        let text = include_str!("../../../sql/lookups/clicked_variants.sql");
        let query = self
            .client
            .query_raw(text)
            .param("seconds", u32::try_from(seconds).unwrap_or(u32::MAX))
            .param("limit", MOST_LINKS);
        self.fetch("clicked_variants", query).await
    }

    /// What became of the clicks on each variant of each of these links since it was last changed, in the
    /// order of the links and of their variants.
    pub(super) async fn of(
        &self,
        workspace: &WorkspaceId,
        links: &[Link],
    ) -> Result<Vec<Vec<Tally>>, EvidenceError> {
        let text = concat!(
            include_str!("../../../sql/lookups/variant_clicks.sql"),
            include_str!("../../../sql/reports/recorded.sql"),
            include_str!("../../../sql/reports/attributed.sql"),
            include_str!("../../../sql/lookups/variants.sql"),
        );
        let ids: Vec<u64> = links.iter().map(|link| link.id.0).collect();
        let since: Vec<i64> = links
            .iter()
            .map(|link| link.updated_at.as_millisecond())
            .collect();
        let query = self
            .client
            .query_raw(text)
            .param("workspace", workspace.as_str())
            .param("links", ids)
            .param("since", since);
        let rows: Vec<Counted> = self.fetch("variants", query).await?;
        Ok(links.iter().map(|link| tallies(link, &rows)).collect())
    }

    async fn fetch<T: RowOwned + RowRead>(
        &self,
        query: &'static str,
        statement: Query,
    ) -> Result<Vec<T>, EvidenceError> {
        let started = Instant::now();
        let rows = tokio::time::timeout(LIMIT, statement.fetch_all::<T>())
            .await
            .unwrap_or(Err(Error::TimedOut));
        self.metrics.query(query, started.elapsed(), rows.is_ok());
        rows.map_err(|source| EvidenceError { query, source })
    }
}

/// The tallies of a link's variants. A name that it does not have any more was another variant.
fn tallies(link: &Link, rows: &[Counted]) -> Vec<Tally> {
    let of = |name: &str| {
        let row = rows
            .iter()
            .find(|row| row.link_id == link.id.0 && row.name == name);
        row.map_or_else(Tally::default, |row| Tally {
            clicks: row.clicks,
            converted: row.converted,
        })
    };
    link.spec
        .variants
        .iter()
        .map(|variant| of(variant.name.as_str()))
        .collect()
}
