//! Writes changes into the table of clicks: they are staged in a table of their own, out of which ClickHouse mutates the
//! months that they lie in.
//!
//! A mutation that has begun ends, whatever becomes of us: ClickHouse has it on disk, and the stage too. So a run may be
//! killed at any point. A stage that was left behind goes when nothing can need it any more.
//!
//! Of the ways that were measured on a million clicks, of which half changed: a mutation out of a table of the engine
//! `Join` took 1.7 s; `Join` takes a text as its key and no pair of numbers; a dictionary would need the database's
//! password in its definition; lightweight updates leave projections behind.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::{Client, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use thiserror::Error;
use whence_core::clickhouse::forget_carried;

use super::change::Change;
use crate::enrich::RULES;
use crate::stored::Span;

const STAGE: &str = include_str!("../../../sql/reclassify/stage.sql");
const APPLY: &str = include_str!("../../../sql/reclassify/apply.sql");
const OLDER: &str = include_str!("../../../sql/reclassify/older.sql");
const RENUMBER: &str = include_str!("../../../sql/reclassify/renumber.sql");

/// What the names of stages begin with; when they were made follows.
const PREFIX: &str = "reclassified_";
/// How old a stage is that nobody fills any more: it takes minutes.
const ABANDONED_MS: u64 = 24 * 3600 * 1000;
/// How long is waited at most between two looks at a mutation.
const LOOK: Duration = Duration::from_millis(500);

/// What was found cannot be written.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// ClickHouse says no.
    #[error(transparent)]
    ClickHouse(#[from] clickhouse::error::Error),
    /// ClickHouse has begun and cannot go on.
    #[error("ClickHouse cannot change a part of clicks: {0}")]
    Mutation(String),
}

/// Clicks with what becomes of them, by their times.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<u32, Month>);

#[derive(Debug)]
struct Month {
    from: i64,
    last: i64,
    changes: Vec<Change>,
}

impl Changes {
    /// Adds one of a click at a time, in milliseconds since 1970.
    pub(super) fn add(&mut self, time: i64, change: Change) {
        let month = self.0.entry(month(time)).or_insert(Month {
            from: time,
            last: time,
            changes: Vec::new(),
        });
        month.from = month.from.min(time);
        month.last = month.last.max(time);
        month.changes.push(change);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(|month| month.changes.len()).sum()
    }

    /// Writes them, and has none any more.
    pub(super) async fn apply(&mut self, client: &Client) -> Result<(), ApplyError> {
        for (month, changes) in std::mem::take(&mut self.0) {
            let database = client
                .query("SELECT currentDatabase()")
                .fetch_one::<String>();
            let name = fresh_name();
            let stage = format!("{}.{name}", database.await?);
            client
                .query(&STAGE.replace("$stage", &stage))
                .execute()
                .await?;
            let applied = month_of(client, &name, &stage, month, &changes).await;
            // Only a stage that no mutation needs.
            if !matches!(applied, Err(ApplyError::ClickHouse(_))) {
                drop_table(client, &stage).await?;
            }
            applied?;
        }
        Ok(())
    }
}

/// Fills the stage of a month and mutates it.
async fn month_of(
    client: &Client,
    name: &str,
    stage: &str,
    month: u32,
    changes: &Month,
) -> Result<(), ApplyError> {
    let mut insert = client.insert::<Change>(name).await?;
    for change in &changes.changes {
        insert.write(change).await?;
    }
    insert.end().await?;
    let statement = APPLY
        .replace("$stage", stage)
        .replace("$month", &month.to_string())
        .replace("$from", &changes.from.to_string())
        .replace("$last", &changes.last.to_string());
    client.query(&statement).execute().await?;
    done(client, name).await?;
    let changed = (changes.from, changes.last.saturating_add(1));
    Ok(forget_carried(client, changed, "").await?)
}

/// Says of every click of a span that can be judged again that it was, by today's rules.
pub(super) async fn renumber(client: &Client, span: &Span) -> Result<(), ApplyError> {
    let asked = |text: &str| {
        client
            .query(text)
            .param("from", span.from)
            .param("to", span.to)
            .param("workspace", &span.workspace)
            .param("rules", RULES)
    };
    for month in asked(OLDER).fetch_all::<u32>().await? {
        let mark = fresh_name();
        let statement = RENUMBER
            .replace("$mark", &mark)
            .replace("$month", &month.to_string());
        asked(&statement).execute().await?;
        done(client, &mark).await?;
    }
    Ok(forget_carried(client, (span.from, span.to), &span.workspace).await?)
}

#[derive(Row, Deserialize)]
struct Mutations {
    waiting: u64,
    failure: String,
}

/// Waits until every mutation whose text holds `name` has been done. One that fails would fail for ever, and hold up
/// whatever comes behind it: it is taken back.
async fn done(client: &Client, name: &str) -> Result<(), ApplyError> {
    const QUERY: &str = "SELECT countIf(NOT is_done) AS waiting, max(latest_fail_reason) AS failure
        FROM system.mutations
        WHERE database = currentDatabase() AND table = 'clicks' AND position(command, {name:String}) > 0";
    let mut pause = Duration::from_millis(5);
    loop {
        let mutations = client.query(QUERY).param("name", name);
        let Mutations { waiting, failure } = mutations.fetch_one().await?;
        if waiting == 0 {
            return Ok(());
        }
        if !failure.is_empty() {
            kill(client, name).await?;
            return Err(ApplyError::Mutation(failure));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK);
    }
}

async fn kill(client: &Client, name: &str) -> Result<(), clickhouse::error::Error> {
    let kill = "KILL MUTATION WHERE database = currentDatabase() AND table = 'clicks' AND latest_fail_reason != ''
        AND position(command, {name:String}) > 0 SYNC";
    // What was killed comes back as rows, whose number changes nothing.
    client.query(kill).param("name", name).execute().await
}

/// Takes away what runs have left behind that were killed: mutations that cannot go on, and stages that none needs.
pub(super) async fn clean(client: &Client) -> Result<(), ApplyError> {
    const STAGES: &str = "SELECT name FROM system.tables
        WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND NOT arrayExists(
            command -> position(command, name) > 0,
            (SELECT groupArray(command) FROM system.mutations WHERE database = currentDatabase() AND NOT is_done))";
    kill(client, PREFIX).await?;
    let stages = client.query(STAGES).param("prefix", PREFIX);
    for stage in stages.fetch_all::<String>().await? {
        if made_at(&stage).is_some_and(|made| made.saturating_add(ABANDONED_MS) < now_ms()) {
            drop_table(client, &stage).await?;
        }
    }
    Ok(())
}

async fn drop_table(client: &Client, table: &str) -> Result<(), clickhouse::error::Error> {
    let statement = format!("DROP TABLE IF EXISTS {table} SYNC");
    client.query(&statement).execute().await
}

/// A name that no other has, and that says when it was made.
fn fresh_name() -> String {
    let random = whence_core::id::VisitorId::random().0 as u64;
    format!("{PREFIX}{}_{random:016x}", now_ms())
}

fn made_at(name: &str) -> Option<u64> {
    let (made, _) = name.strip_prefix(PREFIX)?.split_once('_')?;
    made.parse().ok()
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The month of a time, as ClickHouse's `toYYYYMM`.
fn month(time: i64) -> u32 {
    let at = Timestamp::from_millisecond(time).unwrap_or(Timestamp::MAX);
    let date = at.to_zoned(TimeZone::UTC).date();
    u32::from(date.year().unsigned_abs()) * 100 + u32::from(date.month().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_says_when_it_was_made() {
        let name = fresh_name();
        assert!(made_at(&name).is_some_and(|made| made <= now_ms() && made + 10_000 > now_ms()));
        assert_ne!(name, fresh_name());
        for other in ["clicks", "reclassified_", "reclassified_x_1"] {
            assert_eq!(made_at(other), None, "{other}");
        }
    }
}
