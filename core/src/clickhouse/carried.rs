//! Copies of the clicks that conversions carry, in a table of one hundredth: what reports on conversions read.
//!
//! They are copies and nothing more: whatever is missing is looked for among the clicks, and whatever may be wrong is thrown
//! away. So whoever changes clicks says so here, behind the change: [`forget_carried`].

use std::time::Duration;

use clickhouse::Client;
use clickhouse::error::Error;

const COPY: &str = include_str!("../../../sql/carried/copy.sql");
const FORGET: &str = include_str!("../../../sql/carried/forget.sql");
const RUNNING: &str = include_str!("../../../sql/lookups/running_inserts.sql");

/// How often it is asked whether a copying has ended.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// No copying takes longer: ClickHouse ends it.
const LONGEST_S: &str = "600";

/// Copies the clicks that are carried by conversions which came since a moment, in milliseconds since 1970; what is there already
/// only where `again` says so.
pub async fn copy_carried(client: &Client, since_ms: i64, again: bool) -> Result<(), Error> {
    client
        .query(COPY)
        .param("since_ms", since_ms)
        .param("again", u8::from(again))
        // The same rows again are meant.
        .with_setting("insert_deduplicate", "0")
        .with_setting("deduplicate_insert", "disable")
        .with_setting("async_insert", "0")
        .with_setting("enable_shared_storage_snapshot_in_query", "1")
        .with_setting("max_execution_time", LONGEST_S)
        // Nobody waits for it.
        .with_setting("max_threads", "1")
        .execute()
        .await
}

/// Waits until every copying has ended that runs now: it may hold clicks as they were.
pub async fn copying_has_ended(client: &Client) -> Result<(), Error> {
    let running = || {
        let running = client.query(RUNNING).param("table", "INTO carried_clicks");
        running.fetch_all::<String>()
    };
    let mut waited_for = running().await?;
    while !waited_for.is_empty() {
        tokio::time::sleep(ASK_AGAIN).await;
        let now = running().await?;
        waited_for.retain(|id| now.contains(id));
    }
    Ok(())
}

/// Throws away the copies of clicks that were changed: those from one moment to another, in milliseconds since 1970, the end
/// excluded, of a workspace, or of all where it is empty.
pub async fn forget_carried(
    client: &Client,
    (from, to): (i64, i64),
    workspace: &str,
) -> Result<(), Error> {
    copying_has_ended(client).await?;
    client
        .query(FORGET)
        .param("from", from)
        .param("to", to)
        .param("workspace", workspace)
        .with_setting("mutations_sync", "2")
        .execute()
        .await
}
