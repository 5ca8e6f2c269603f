//! One block, one insert: into ClickHouse exactly once, however often it is tried.
//!
//! The token of an insert is the block's id. ClickHouse drops an insert whose token it has seen, so a
//! block may be sent again after any crash, provided that it holds the same rows in the same order.
//! Tokens are forgotten some day; a late block is looked for before it is inserted.

use std::time::{Duration, Instant};

use clickhouse::{Client, RowWrite};
use thiserror::Error;
use tokio::sync::OnceCell;
use whence_core::click::Click;
use whence_core::clickhouse::{
    INSERT_SETTINGS, MigrateError, TablesError, check_settings, check_tables, pending,
};
use whence_core::journal::{BlockId, Seq};

use crate::metrics::{Metrics, Table};

/// How long one chunk may take to be sent.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long ClickHouse may take to store a block: less than a redirector waits for our answer.
const END_TIMEOUT: Duration = Duration::from_secs(40);
/// How long it may take to find two clicks by their key.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

const CLICKS_OF_BLOCK: &str = include_str!("../../sql/lookups/clicks_of_block.sql");

/// A block is not in ClickHouse, or nobody knows whether it is. Send it again.
#[derive(Debug, Error)]
pub(crate) enum InsertError {
    /// ClickHouse is away, or refuses.
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

/// The rows of a block, made one by one while they are sent. Boxed: the compiler cannot yet see that a
/// future which holds a borrowing closure may move between threads.
pub(crate) type Rows<'r, T> = Box<dyn Iterator<Item = T> + Send + 'r>;

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

    /// Answers once the block's rows are in the table for good.
    pub(crate) async fn insert<'r, T>(
        &self,
        table: Table,
        block: BlockId,
        rows: Rows<'r, T::Value<'r>>,
    ) -> Result<(), InsertError>
    where
        T: RowWrite,
        T::Value<'r>: Send + Sync,
    {
        self.checked.get_or_try_init(|| self.check()).await?;
        let begun = Instant::now();
        let mut insert = self
            .client
            .insert::<T>(table.name())
            .await?
            .with_timeouts(Some(SEND_TIMEOUT), Some(END_TIMEOUT))
            .with_setting("insert_deduplication_token", block.to_string());
        for (name, value) in INSERT_SETTINGS {
            insert = insert.with_setting(*name, *value);
        }
        for row in rows {
            insert.write(&row).await?;
        }
        insert.end().await?;
        self.metrics.inserted(table, begun.elapsed());
        Ok(())
    }

    /// Whether the clicks of a block are stored already, which is known by its earliest and its latest: a
    /// block is inserted whole, but for a boundary of months between the two.
    pub(crate) async fn has_clicks(
        &self,
        block: BlockId,
        [first, last]: [&(Seq, Click<'_>); 2],
    ) -> Result<bool, InsertError> {
        self.checked.get_or_try_init(|| self.check()).await?;
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
        let found = tokio::time::timeout(LOOKUP_TIMEOUT, query.fetch_one::<u64>())
            .await
            .map_err(|_| clickhouse::error::Error::TimedOut)??;
        Ok(found == if first.0 == last.0 { 1 } else { 2 })
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
