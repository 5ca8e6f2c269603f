//! One block, one insert: into ClickHouse exactly once, however often it is tried.
//!
//! The token of an insert is the block's id. ClickHouse drops an insert whose token it has seen, so a
//! block may be sent again after any crash, provided that it holds the same rows in the same order.
//! Tokens are forgotten some day; a late block is looked for before it is inserted.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clickhouse::{Client, Row, RowWrite};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use whence_core::click::Click;
use whence_core::clickhouse::{
    INSERT_SETTINGS, MigrateError, TablesError, check_settings, check_tables, pending,
};
use whence_core::journal::{BlockId, Seq};

use crate::metrics::{Metrics, Table};
use crate::refusal::Refusal;

/// How long ClickHouse may take to store a block. With the wait for a turn and the look-up before it, less than a
/// redirector waits for our answer.
const INSERT_TIMEOUT: Duration = Duration::from_secs(40);
/// How long it may take to find two clicks by their key, and to say what tables it has.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

const CLICKS_OF_BLOCK: &str = include_str!("../../sql/lookups/clicks_of_block.sql");
const NUMBERS_OF_BLOCK: &str = include_str!("../../sql/lookups/numbers_of_block.sql");

/// A block whose newest record is older than this has been waiting, or is sent again: ClickHouse may have
/// it and no longer remember its token, which takes hours.
const LATE_MS: u64 = 60_000;

/// A block is not in ClickHouse, or nobody knows whether it is.
#[derive(Debug, Error)]
pub(crate) enum InsertError {
    /// It will never be: what is wrong lies in its rows.
    #[error("ClickHouse refuses it for good{}: {}", at_fault(.seq), .refusal.text)]
    Refused {
        /// What ClickHouse says.
        refusal: Refusal,
        /// The number in its lane of the record at fault, where ClickHouse says.
        seq: Option<Seq>,
    },
    /// ClickHouse is away, or refuses for now: send it again.
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    /// The tables are not as this version needs them.
    #[error("ClickHouse: {0}")]
    Tables(#[from] MigrateError),
    /// The tables' own settings are not as they must be.
    #[error("ClickHouse: {0}")]
    Window(#[from] TablesError),
    /// The tables are not there yet.
    #[error("ClickHouse lacks {0} of this version's migrations; apply them first")]
    Behind(usize),
}

fn at_fault(seq: &Option<Seq>) -> String {
    seq.map(|seq| format!(", for record {seq}"))
        .unwrap_or_default()
}

/// The rows of a block, made one by one while they are sent. Boxed: the compiler cannot yet see that a
/// future which holds a borrowing closure may move between threads.
pub(crate) type Rows<'r, T> = Box<dyn Iterator<Item = T> + Send + 'r>;

/// What `CLICKS_OF_BLOCK` answers.
#[derive(Row, Deserialize)]
struct ClicksOfBlock {
    found: u64,
    remembered: bool,
}

/// Inserts blocks.
#[derive(Debug)]
pub(crate) struct Inserts {
    client: Client,
    metrics: Metrics,
    /// Whether the server was found fit. Settings and tables are checked before the first insert: a
    /// server that ignores a setting would count twice in silence.
    checked: OnceCell<()>,
}

impl Inserts {
    /// Inserts through `client`.
    pub(crate) fn new(client: Client, metrics: Metrics) -> Self {
        Self {
            client,
            metrics,
            checked: OnceCell::new(),
        }
    }

    /// Answers once the block's rows are in the table for good. `numbers` are the rows' own, in their order.
    pub(crate) async fn insert<'r, T>(
        &self,
        table: Table,
        block: BlockId,
        rows: Rows<'r, T::Value<'r>>,
        mut numbers: impl Iterator<Item = Seq> + Send,
    ) -> Result<(), InsertError>
    where
        T: RowWrite,
        T::Value<'r>: Send + Sync,
    {
        self.ready().await?;
        let begun = Instant::now();
        let token = Some(block.to_string());
        let written = within(INSERT_TIMEOUT, self.write::<T>(table.name(), token, rows)).await;
        written.map_err(|error| match Refusal::of(&error) {
            Some(refusal) => InsertError::Refused {
                seq: refusal.row.and_then(|row| numbers.nth(row.checked_sub(1)?)),
                refusal,
            },
            None => error.into(),
        })?;
        self.metrics.inserted(table, begun.elapsed());
        Ok(())
    }

    /// Answers once rows are in a table that replaces equal ones by itself.
    pub(crate) async fn replace<'r, T>(
        &self,
        table: &str,
        rows: Rows<'r, T::Value<'r>>,
    ) -> Result<(), InsertError>
    where
        T: RowWrite,
        T::Value<'r>: Send + Sync,
    {
        self.ready().await?;
        Ok(within(INSERT_TIMEOUT, self.write::<T>(table, None, rows)).await?)
    }

    /// Whether the clicks of a block are stored already and may be so a second time, because their token is forgotten.
    /// A block is known by its earliest and its latest click: it is inserted whole, but for a boundary of months
    /// between the two. While the token is remembered the block goes to ClickHouse once more: a death between the
    /// table and the views that it feeds leaves clicks that only a repeat brings to the views.
    pub(crate) async fn has_forgotten(
        &self,
        block: BlockId,
        [first, last]: [&(Seq, Click<'_>); 2],
    ) -> Result<bool, InsertError> {
        self.ready().await?;
        let query = self
            .client
            .query(CLICKS_OF_BLOCK)
            .param("lane", block.lane.get())
            .param("first_workspace", &*first.1.workspace)
            .param("first_time", first.1.unix_ms)
            .param("first_link", first.1.link.0)
            .param("first_seq", first.0)
            .param("last_workspace", &*last.1.workspace)
            .param("last_time", last.1.unix_ms)
            .param("last_link", last.1.link.0)
            .param("last_seq", last.0);
        let clicks = within(LOOKUP_TIMEOUT, query.fetch_one::<ClicksOfBlock>()).await?;
        let is_stored = clicks.found == if first.0 == last.0 { 1 } else { 2 };
        Ok(is_stored && !clicks.remembered)
    }

    /// Whether all conversions of a block have been stored.
    pub(crate) async fn has_conversions(
        &self,
        block: BlockId,
        count: usize,
    ) -> Result<bool, InsertError> {
        self.ready().await?;
        let query = self
            .client
            .query(NUMBERS_OF_BLOCK)
            .param("lane", block.lane.get())
            .param("first", block.first)
            .param("last", block.last);
        let found = within(LOOKUP_TIMEOUT, query.fetch_one::<u64>()).await?;
        Ok(found == count as u64)
    }

    /// One insert with everything that is pinned. Where it is dropped half-way, ClickHouse drops it too, or has it
    /// all: the next try is told by the token.
    async fn write<'r, T>(
        &self,
        table: &str,
        token: Option<String>,
        rows: Rows<'r, T::Value<'r>>,
    ) -> Result<(), clickhouse::error::Error>
    where
        T: RowWrite,
        T::Value<'r>: Send + Sync,
    {
        let mut insert = self.client.insert::<T>(table).await?;
        for (name, value) in INSERT_SETTINGS {
            insert = insert.with_setting(*name, *value);
        }
        if let Some(token) = token {
            insert = insert.with_setting("insert_deduplication_token", token);
        }
        for row in rows {
            insert.write(&row).await?;
        }
        insert.end().await
    }

    /// Whether the server is fit, asked until it once was.
    async fn ready(&self) -> Result<(), InsertError> {
        let checked = self.checked.get_or_try_init(|| self.check());
        let checked = timeout(LOOKUP_TIMEOUT, checked).await;
        checked.map_err(|_| clickhouse::error::Error::TimedOut)??;
        Ok(())
    }

    async fn check(&self) -> Result<(), InsertError> {
        check_settings(&self.client).await?;
        match pending(&self.client).await? {
            0 => {}
            count => return Err(InsertError::Behind(count)),
        }
        Ok(check_tables(&self.client).await?)
    }
}

/// Whether a block is to be looked for, by the time of its newest record.
pub(crate) fn is_late(newest_ms: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.unwrap_or_default().as_millis();
    u128::from(newest_ms) + u128::from(LATE_MS) < now_ms
}

/// What ClickHouse answers, if it does so in time.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, clickhouse::error::Error>>,
) -> Result<T, clickhouse::error::Error> {
    let answer = timeout(patience, answer).await;
    answer.unwrap_or(Err(clickhouse::error::Error::TimedOut))
}
