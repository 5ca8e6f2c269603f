//! The rollup: the clicks of each hour, a projection in the parts of the clicks, are what the clicks add up to. It can
//! differ where somebody had parts written or changed without it, and where ClickHouse itself is wrong.

use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeSet;
use whence_core::id::LinkId;

use super::auditor::{AuditError, Auditor, PAUSE, Sql, TRIES, sql};
use super::report::{Cell, Rollup};

const HOURS: Sql = sql!("rollup_hours");
const CELLS: Sql = sql!("rollup_cells");

/// The most hours whose cells are asked for, so that they fit into a URL.
const MOST_HOURS: u64 = 500;
/// The most cells that are named.
const MOST_CELLS: u64 = 1_000;

#[derive(Row, Deserialize)]
struct HourRow {
    is_total: u8,
    workspace: String,
    hour: u32,
    stored: u64,
    rolled_up: u64,
    differing: u64,
}

#[derive(Row, Deserialize)]
struct CellRow {
    workspace: String,
    hour: u32,
    link_id: u64,
    outcome: String,
    verdict: String,
    channel: String,
    country: String,
    stored: u64,
    rolled_up: u64,
}

/// Compares the projection `click_hours` with `clicks`.
pub(super) async fn audit(auditor: &Auditor) -> Result<Rollup, AuditError> {
    let mut last = None;
    for _ in 0..TRIES {
        let mut rollup = Rollup::default();
        let mut hours = Vec::new();
        let mut differing = 0;
        for row in auditor
            .ask::<HourRow>(HOURS, |s| s.param("most", MOST_HOURS))
            .await?
        {
            if row.is_total == 1 {
                (rollup.clicks, rollup.rolled_up) = (row.stored, row.rolled_up);
                differing = row.differing;
            } else {
                hours.push((row.workspace, row.hour));
            }
        }
        let found = lasting(auditor, &hours).await?;
        let with_cells: BTreeSet<_> = found.iter().map(|row| (&row.workspace, row.hour)).collect();
        let unlisted = differing.saturating_sub(hours.len() as u64);
        let cells_end = found.len() as u64 >= MOST_CELLS;
        // Of hours whose cells were not all listed nobody has said that they agree.
        rollup.differing_hours = match cells_end {
            true => differing,
            false => with_cells.len() as u64 + unlisted,
        };
        rollup.more = unlisted > 0 || cells_end;
        let settled = !found.is_empty() || unlisted == 0;
        rollup.cells = found.into_iter().map(cell).collect();
        if settled {
            return Ok(rollup);
        }
        // More hours are being written than can be looked at: none of those that were is wrong.
        last = Some(rollup);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(last.unwrap_or_default())
}

/// The cells that differ each time.
async fn lasting(auditor: &Auditor, hours: &[(String, u32)]) -> Result<Vec<CellRow>, AuditError> {
    if hours.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = ask(auditor, hours).await?;
    for _ in 1..TRIES {
        if found.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let before: BTreeSet<_> = found.iter().map(CellRow::key).collect();
        let again = ask(auditor, hours).await?;
        let kept = again.into_iter().filter(|row| before.contains(&row.key()));
        found = kept.collect();
    }
    Ok(found)
}

async fn ask(auditor: &Auditor, hours: &[(String, u32)]) -> Result<Vec<CellRow>, AuditError> {
    let put = |s: Statement| {
        let (workspaces, hours): (Vec<_>, Vec<_>) = hours.iter().cloned().unzip();
        s.param("workspaces", workspaces)
            .param("hours", hours)
            .param("most", MOST_CELLS)
    };
    auditor.ask(CELLS, put).await
}

impl CellRow {
    fn key(&self) -> (String, u32, u64, String, String, String, String) {
        (
            self.workspace.clone(),
            self.hour,
            self.link_id,
            self.outcome.clone(),
            self.verdict.clone(),
            self.channel.clone(),
            self.country.clone(),
        )
    }
}

fn cell(row: CellRow) -> Cell {
    Cell {
        workspace: row.workspace,
        hour: Timestamp::from_second(row.hour.into())
            .map(|at| at.to_string())
            .unwrap_or_default(),
        link_id: LinkId(row.link_id).to_string(),
        outcome: row.outcome,
        verdict: row.verdict,
        channel: row.channel,
        country: row.country,
        clicks: row.stored,
        rolled_up: row.rolled_up,
    }
}
