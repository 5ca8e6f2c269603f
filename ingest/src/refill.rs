//! Fills the windows of the last minutes at a start: what other clicks say of one must not be forgotten by a restart.
//!
//! In the background and in time's order backwards: blocks are taken meanwhile, and what matters most comes first. Where
//! ClickHouse is away, or has more than fits into the time or the number below, the windows begin as empty as they are.
//! Each of several ingests remembers so all clicks of the last half hour, and from then on those that come to it; judging
//! again (`whence reclassify`) sees all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use tokio::time::timeout;

use crate::enrich::{BEHIND_MS, Enricher};
use crate::stored::{self, Span};

/// How many clicks are read: half an hour of 500 a second. Some seconds' work for ClickHouse.
const MOST: u64 = 900_000;
/// How long it may take. What is asked for later is remembered by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is waited before ClickHouse is asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// Remembers the clicks of the last minutes.
pub(crate) async fn refill(client: &Client, enricher: &Enricher) {
    let mut clicks = 0;
    let filling = async {
        while let Err(error) = read(client, enricher, &mut clicks).await {
            tracing::debug!(%error, "the clicks of the last half hour are not remembered yet");
            tokio::time::sleep(AGAIN).await;
        }
    };
    match timeout(PATIENCE, filling).await {
        Ok(()) => tracing::info!(clicks, "the clicks of the last half hour are remembered"),
        Err(_) => tracing::warn!(
            clicks,
            "of the clicks of the last half hour only some are remembered; repeats of the others count as clicks"
        ),
    }
}

async fn read(
    client: &Client,
    enricher: &Enricher,
    clicks: &mut u64,
) -> Result<(), clickhouse::error::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
    let span = Span {
        from: now.saturating_sub(BEHIND_MS as i64),
        to: now,
        workspace: String::new(),
    };
    for part in stored::parts(client, &span).await?.iter().rev() {
        let mut rows = stored::read(client, part, &span.workspace)?;
        while let Some(stored) = rows.next().await? {
            if let Some(click) = stored.click() {
                enricher.note(&click);
            }
            *clicks += 1;
        }
        if *clicks >= MOST {
            break;
        }
    }
    Ok(())
}
