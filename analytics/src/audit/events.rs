//! Conversions: every event that has come keeps a row, and every row has come.

use clickhouse::Row;
use serde::Deserialize;
use whence_core::journal::LaneId;

use super::auditor::{AuditError, Auditor, PAUSE, Sql, TRIES, sql};
use super::report::{Event, Events};

const LOST: Sql = sql!("lost_events");
const STRANGE: Sql = sql!("strange_conversions");

/// The most events that are named of either sort.
const MOST: u64 = 1_000;

#[derive(Row, Deserialize)]
struct EventRow {
    workspace: String,
    event_id: String,
    lane: u64,
    seq: u64,
    total: u64,
}

/// Compares what has come with what is kept.
pub(super) async fn audit(auditor: &Auditor) -> Result<Events, AuditError> {
    let (lost, lost_events) = lasting(auditor, LOST).await?;
    let (strange, strange_events) = lasting(auditor, STRANGE).await?;
    Ok(Events {
        lost,
        lost_events,
        strange,
        strange_events,
    })
}

/// What is found each time, and how many there are.
async fn lasting(auditor: &Auditor, sql: Sql) -> Result<(u64, Vec<Event>), AuditError> {
    let (mut total, mut found) = ask(auditor, sql).await?;
    for _ in 1..TRIES {
        if found.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let (again, listed) = ask(auditor, sql).await?;
        let before = listed.len();
        let kept: Vec<_> = listed.into_iter().filter(|e| found.contains(e)).collect();
        total = again.saturating_sub((before - kept.len()) as u64);
        found = kept;
    }
    Ok((total, found))
}

async fn ask(auditor: &Auditor, sql: Sql) -> Result<(u64, Vec<Event>), AuditError> {
    let rows = auditor.ask::<EventRow>(sql, |s| s.param("most", MOST));
    let rows = rows.await?;
    let total = rows.first().map_or(0, |row| row.total);
    let events = rows.into_iter().map(|row| Event {
        workspace: row.workspace,
        event_id: row.event_id,
        lane: LaneId::new(row.lane).to_string(),
        seq: row.seq,
    });
    Ok((total, events.collect()))
}
