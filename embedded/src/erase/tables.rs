//! The changes in ClickHouse. What each of them does stands with it, in `sql/erasure/`.

use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use serde::Deserialize;
use whence_core::clickhouse::copying_has_ended;
use whence_core::journal::BlockId;
use whence_core::process::Failure;

use crate::person::{Found, clickhouse_failed};

const CLICKS: &str = include_str!("../../../sql/erasure/clicks.sql");
const CARRIED_CLICKS: &str = include_str!("../../../sql/erasure/carried_clicks.sql");
/// What comes behind the clicks, in this order: killed between any two of them, every event has a row and every number an event, and what leads to the
/// rest is still there for the next run.
const CHANGES: [&str; 10] = [
    include_str!("../../../sql/erasure/confirmations.sql"),
    include_str!("../../../sql/erasure/page_events_in.sql"),
    include_str!("../../../sql/erasure/page_events_out.sql"),
    include_str!("../../../sql/erasure/page_events_of_others.sql"),
    include_str!("../../../sql/erasure/refunds_in.sql"),
    include_str!("../../../sql/erasure/conversions_in.sql"),
    include_str!("../../../sql/erasure/conversion_numbers.sql"),
    include_str!("../../../sql/erasure/refunds_out.sql"),
    include_str!("../../../sql/erasure/conversions_out.sql"),
    include_str!("../../../sql/erasure/conversions_of_others.sql"),
];
const LANE_GAPS: &str = include_str!("../../../sql/erasure/lane_gaps.sql");
const OLD_PARTS: &str = include_str!("../../../sql/erasure/old_parts.sql");

/// Makes ClickHouse remove now what it may remove: where nothing is written, it looks only every few minutes. To drop a
/// partition that is not there drops nothing, and has it look; no partition of these tables can have that name.
const REMOVE_NOW: [&str; 9] = [
    "ALTER TABLE clicks DROP PARTITION ID 'none'",
    "ALTER TABLE carried_clicks DROP PARTITION ID 'none'",
    "ALTER TABLE conversions DROP PARTITION ID 'none'",
    "ALTER TABLE conversion_numbers DROP PARTITION ID 'none'",
    "ALTER TABLE refunds DROP PARTITION ID 'none'",
    "ALTER TABLE confirmations DROP PARTITION ID 'none'",
    "ALTER TABLE page_events DROP PARTITION ID 'none'",
    "ALTER TABLE lane_gaps DROP PARTITION ID 'none'",
    "ALTER TABLE persons DROP PARTITION ID 'none'",
];

/// How often ClickHouse is asked whether old parts are gone.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Makes all changes for a person, and in the notes on blocks that held something of theirs.
pub(super) async fn erase(
    client: &Client,
    found: &Found,
    blocks: &[BlockId],
) -> Result<(), Failure> {
    found.run(CLICKS).await?;
    // What is being copied may be as it was.
    copying_has_ended(client).await.map_err(clickhouse_failed)?;
    found.run(CARRIED_CLICKS).await?;
    for change in CHANGES {
        found.run(change).await?;
    }
    for block in blocks {
        let query = client.query(LANE_GAPS).param("lane", block.lane.get());
        let query = query.param("first", block.first).param("last", block.last);
        let query = query.with_setting("mutations_sync", "2");
        query.execute().await.map_err(clickhouse_failed)?;
    }
    Ok(())
}

/// A part that was replaced and is still on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Row, Deserialize)]
pub(super) struct OldPart {
    table: String,
    name: String,
}

/// The parts that were replaced until now and are still on disk.
async fn old_parts(client: &Client) -> Result<Vec<OldPart>, Failure> {
    let parts = client.query(OLD_PARTS).fetch_all::<OldPart>().await;
    parts.map_err(clickhouse_failed)
}

/// Waits until ClickHouse has removed from disk what it has replaced until now: a server keeps it for eight minutes.
/// Answers what is still there at the deadline.
pub(super) async fn wait_for_removal(
    client: &Client,
    deadline: Instant,
) -> Result<Vec<String>, Failure> {
    let mut left = old_parts(client).await?;
    let mut is_told = false;
    while !left.is_empty() && Instant::now() < deadline {
        if !std::mem::replace(&mut is_told, true) {
            eprintln!("waiting for ClickHouse to remove what was replaced from its disk …");
        }
        for remove in REMOVE_NOW {
            let looked = client.query(remove).execute().await;
            looked.map_err(clickhouse_failed)?;
        }
        tokio::time::sleep(ASK_AGAIN).await;
        let now = old_parts(client).await?;
        left.retain(|part| now.contains(part));
    }
    let mut tables: Vec<(&str, usize)> = Vec::new();
    for OldPart { table, .. } in &left {
        match tables.last_mut() {
            Some((last, count)) if last == table => *count += 1,
            _ => tables.push((table, 1)),
        }
    }
    let told = tables.iter().map(|(table, count)| {
        format!("{count} parts of {table} that were replaced are still on ClickHouse's disk (old_parts_lifetime)")
    });
    Ok(told.collect())
}
