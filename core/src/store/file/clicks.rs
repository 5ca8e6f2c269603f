//! Counting the clicks on links with a cap.
//!
//! A count is on the disk before its click is let through, so that a crash lets nobody through twice. The
//! wait for the disk is shared: whoever comes while one commit is under way is counted by the next,
//! all of them in one.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use tokio::sync::oneshot;

use super::stop::Stop;
use super::tables::{CLICKS, IDS};
use crate::id::LinkId;
use crate::store::StoreError;

/// A click that waits to be counted.
struct Waiting {
    link: LinkId,
    cap: NonZeroU64,
    /// Whether it was let through, once that is on the disk; dropped where it could not be counted.
    answer: oneshot::Sender<bool>,
}

/// The clicks that wait for the next commit.
#[derive(Default)]
pub(super) struct Queue(Mutex<Vec<Waiting>>);

/// Clicks that a transaction has counted and that wait for its commit.
pub(super) struct Counted(Vec<(oneshot::Sender<bool>, bool)>);

impl Queue {
    /// Lets a click wait, for whoever counts next.
    pub(super) fn push(&self, link: LinkId, cap: NonZeroU64) -> oneshot::Receiver<bool> {
        let (answer, answered) = oneshot::channel();
        self.lock().push(Waiting { link, cap, answer });
        answered
    }

    /// Whether nobody waits, because somebody else has counted them meanwhile.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Counts all that wait.
    pub(super) fn count<E>(&self, transaction: &WriteTransaction) -> Result<Counted, Stop<E>> {
        let waiting = std::mem::take(&mut *self.lock());
        let (mut clicks, ids) = (
            transaction.open_table(CLICKS)?,
            transaction.open_table(IDS)?,
        );
        let mut counts = HashMap::new();
        let mut counted = Vec::with_capacity(waiting.len());
        for Waiting { link, cap, answer } in waiting {
            let before = match counts.get(&link.0) {
                Some(count) => *count,
                None => clicks.get(link.0)?.map_or(0, |count| count.value()),
            };
            // A link that was deleted meanwhile is not counted: nobody would ever delete its count.
            let lets_through = before < cap.get() && ids.get(link.0)?.is_some();
            if lets_through {
                counts.insert(link.0, before + 1);
            }
            counted.push((answer, lets_through));
        }
        for (link, count) in counts {
            clicks.insert(link, count)?;
        }
        Ok(Counted(counted))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        // A panic under the lock leaves a whole list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Answers everybody, once the commit is on the disk.
    pub(super) fn answer(self) {
        for (answer, lets_through) in self.0 {
            // An error means that the visitor has gone; the click stays counted.
            let _ = answer.send(lets_through);
        }
    }
}

/// How many clicks on a link were let through.
pub(super) fn counted(
    transaction: &ReadTransaction,
    link: LinkId,
) -> Result<u64, Stop<StoreError>> {
    let clicks = transaction.open_table(CLICKS)?;
    Ok(clicks.get(link.0)?.map_or(0, |count| count.value()))
}
