//! Inserts into ClickHouse with all that is pinned, and look-ups of what they left.
//!
//! How a block counts exactly once is known to `once`, what a row is to those who have it.

use std::future::Future;
use std::time::Duration;

use clickhouse::query::Query;
use clickhouse::{Client, RowOwned, RowRead, RowWrite};
use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use whence_core::clickhouse::{
    INSERT_SETTINGS, MigrateError, ONCE_SETTINGS, REPLACE_SETTINGS, TablesError, check_settings,
    check_tables, pending,
};
use whence_core::journal::Seq;

use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// How long ClickHouse may take to store a block.
const INSERT_TIMEOUT: Duration = Duration::from_secs(40);
/// How long it may take to say what tables it has.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

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
    /// It says that it has the block, and does not show it.
    #[error(
        "ClickHouse has dropped a block {0} times as one that it has, and has not got it; what does its log say of the table?"
    )]
    Unseen(usize),
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

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers once ClickHouse has taken rows, or dropped them for their token. Without a token they go into a table that
    /// replaces equal ones by itself. `numbers` are the rows' own in their lane, in the same order.
    pub(crate) async fn insert<'r, T>(
        &self,
        table: &str,
        token: Option<String>,
        rows: Rows<'r, T::Value<'r>>,
        mut numbers: impl Iterator<Item = Seq> + Send,
    ) -> Result<(), InsertError>
    where
        T: RowWrite,
        T::Value<'r>: Send + Sync,
    {
        self.ready().await?;
        let written = within(INSERT_TIMEOUT, self.write::<T>(table, token, rows)).await;
        written.map_err(|error| match Refusal::of(&error) {
            Some(refusal) => InsertError::Refused {
                seq: refusal.row.and_then(|row| numbers.nth(row.checked_sub(1)?)),
                refusal,
            },
            None => error.into(),
        })
    }

    /// Answers once rows are in a table that replaces equal ones by itself. Nothing is ever refused for good.
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

    /// What a look-up finds, with the parameters that `put` gives it. For how long to wait is its caller's to say.
    pub(crate) async fn look<T: RowOwned + RowRead>(
        &self,
        sql: &str,
        put: impl FnOnce(Query) -> Query,
    ) -> Result<Vec<T>, InsertError> {
        self.ready().await?;
        Ok(put(self.client.query(sql)).fetch_all::<T>().await?)
    }

    /// One insert with everything that is pinned. Where it is dropped half-way, ClickHouse drops it too, or has it all.
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
        let kind = match token {
            Some(_) => ONCE_SETTINGS,
            None => REPLACE_SETTINGS,
        };
        for (name, value) in INSERT_SETTINGS.iter().chain(kind) {
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
        let checked = timeout(CHECK_TIMEOUT, checked).await;
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

/// What ClickHouse answers, if it does so in time.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, clickhouse::error::Error>>,
) -> Result<T, clickhouse::error::Error> {
    let answer = timeout(patience, answer).await;
    answer.unwrap_or(Err(clickhouse::error::Error::TimedOut))
}
