//! Asks ClickHouse for an event that is no longer pending.

use std::time::Duration;

use clickhouse::{Client, Row};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use whence_core::workspace::WorkspaceId;

use super::pending::Receipt;
use super::row::kind_of;

const QUERY: &str = include_str!("../../../sql/lookups/conversion_by_event.sql");

/// How long a conversion waits to learn whether it is a repeat, its turn included. A look-up takes
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// ClickHouse did not say.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    /// It refused or is away.
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    /// It takes too long.
    #[error("ClickHouse gave no answer in {} s", PATIENCE.as_secs())]
    Slow,
    /// A newer Whence has written a kind that this one does not know.
    #[error("ClickHouse has the event as kind {0}, which this version does not know")]
    Kind(i8),
}

#[derive(Row, Deserialize)]
struct Found {
    kind: i8,
    body_digest: u128,
    received_at: i64,
    by_server: bool,
}

/// What was answered to the one that stands for this event, if there is one.
pub(super) async fn receipt(
    client: &Client,
    turns: &Semaphore,
    workspace: &WorkspaceId,
    event_id: &str,
) -> Result<Option<Receipt>, LookupError> {
    let query = client
        .query(QUERY)
        .param("workspace", workspace.as_str())
        .param("event_id", event_id);
    let ask = async {
        // Nobody closes it.
        let _turn = turns.acquire().await;
        query.fetch_optional::<Found>().await
    };
    let found = timeout(PATIENCE, ask)
        .await
        .map_err(|_| LookupError::Slow)??;
    found
        .map(|found| {
            Ok(Receipt {
                kind: kind_of(found.kind).ok_or(LookupError::Kind(found.kind))?,
                received_ms: found.received_at.try_into().unwrap_or_default(),
                body_digest: found.body_digest,
                by_server: found.by_server,
            })
        })
        .transpose()
}
