//! A block into ClickHouse exactly once, however often it is sent, by how many ingests, and whoever dies over it.
//!
//! ClickHouse drops an insert whose token it remembers, but may remember a token whose part it lost (see
//! `whence_core::clickhouse`). So a token is trusted to prevent a second time and for nothing else; a block is
//! acknowledged when its rows were seen. It is looked for by a few rows of each part that it becomes: a part is there
//! whole or not at all. What is absent is inserted under the block's token and looked for again. Where it is still absent,
//! every insert that ran at that moment is waited for; then it is inserted under the next token of the block.
//!
//! **Never lost:** nothing is answered before it was seen, and what was seen is in an active part, synced.
//!
//! **Never twice:** two inserts of the same rows count twice only under two tokens, n and n + 1. Whoever inserts
//! under n + 1 has had an answer to n, so n is noted, by somebody's insert X: from then on n inserts nothing any
//! more, also from a request that still lies in a queue, or whose sender is gone. X has committed, or
//! runs, or will never commit: it failed or died with the server. While it runs it is waited for, which is why the rows are
//! looked for once more behind that. Still absent: X will never commit, and n + 1 may. Two that come to this at once insert
//! under the same n + 1, and one of them is dropped: it finds the rows of the other, or waits for them as before.
//!
//! A token is forgotten after 100,000 newer ones; a block that comes again later than that has been looked for first. So
//! is every block: a clock that is wrong, or a power cut that took the note and left the part, changes nothing. The
//! months of a block are parts of their own, each with its own note of the token: only those that are absent are
//! inserted again, each whole.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use whence_core::journal::BlockId;

use crate::insert::{InsertError, Inserts};
use crate::metrics::Table;

/// How long it may all take. With the wait for a turn, less than a redirector waits for our answer.
const PATIENCE: Duration = Duration::from_secs(45);
/// How many tokens a block has. Each costs ClickHouse a death in the one moment that matters, or a table out of order.
const TOKENS: usize = 8;
/// How often inserts that run are looked at: most take a fraction of a second.
const LOOK: Duration = Duration::from_millis(20);

const RUNNING: &str = include_str!("../../sql/lookups/running_inserts.sql");

/// One of the parts that a block becomes, by its partition.
pub(crate) type Part = u32;

/// A block, as what stores it.
pub(crate) trait Parts: Sync {
    /// What it is counted as.
    const COUNTED: Table;
    /// The table that tokens stand for.
    const TABLE: &'static str;

    /// Which of its parts are not in the table.
    fn absent(
        &self,
        inserts: &Inserts,
    ) -> impl Future<Output = Result<BTreeSet<Part>, InsertError>> + Send;

    /// Inserts these parts under a token. Beside them, what replaces itself wherever it is there already.
    fn insert(
        &self,
        inserts: &Inserts,
        token: String,
        parts: &BTreeSet<Part>,
    ) -> impl Future<Output = Result<(), InsertError>> + Send;
}

impl Inserts {
    /// Answers once the block's rows are in their tables for good.
    pub(crate) async fn once<P: Parts>(&self, id: BlockId, block: &P) -> Result<(), InsertError> {
        let begun = Instant::now();
        let seen = timeout(PATIENCE, self.until_seen(id, block)).await;
        seen.map_err(|_| clickhouse::error::Error::TimedOut)??;
        self.metrics().inserted(P::COUNTED, begun.elapsed());
        Ok(())
    }

    async fn until_seen<P: Parts>(&self, id: BlockId, block: &P) -> Result<(), InsertError> {
        let mut absent = block.absent(self).await?;
        for number in 0..TOKENS {
            if absent.is_empty() {
                return Ok(());
            }
            block.insert(self, token(id, number), &absent).await?;
            still_absent(&mut absent, block.absent(self).await?);
            if !absent.is_empty() {
                self.running_are_over(P::TABLE).await?;
                still_absent(&mut absent, block.absent(self).await?);
            }
            if !absent.is_empty() {
                tracing::warn!(block = %id, number, ?absent, "ClickHouse remembers a block that it has lost");
            }
        }
        match absent.is_empty() {
            true => Ok(()),
            false => Err(InsertError::Unseen(TOKENS)),
        }
    }

    /// Waits until no insert into a table runs of those that run now.
    async fn running_are_over(&self, table: &str) -> Result<(), InsertError> {
        let running = async || {
            let running = self.look::<String>(RUNNING, |query| query.param("table", table));
            Ok::<BTreeSet<String>, InsertError>(running.await?.into_iter().collect())
        };
        let mut left = running().await?;
        while !left.is_empty() {
            sleep(LOOK).await;
            let now = running().await?;
            left.retain(|id| now.contains(id));
        }
        Ok(())
    }
}

/// Goes on with what has just been inserted and no more, so that it is under the same tokens all along.
fn still_absent(absent: &mut BTreeSet<Part>, now: BTreeSet<Part>) {
    absent.retain(|part| now.contains(part));
}

/// The tokens of a block, in their order. The first is its id: as it was when there was no other.
fn token(id: BlockId, number: usize) -> String {
    match number {
        0 => id.to_string(),
        _ => format!("{id}#{number}"),
    }
}
