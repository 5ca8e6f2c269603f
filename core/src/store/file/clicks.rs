//! Counting the clicks on links with a cap.
//!
//! A count is on the disk before its click is let through, so that a crash lets nobody through twice. The
//! wait for the disk is shared: whoever comes while one commit is under way is counted by the next,
//! all of them in one.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use tokio::sync::oneshot;

use super::stop::Stop;
use super::tables::{CLICKS, IDS};
use crate::id::LinkId;
use crate::store::StoreError;

/// Clicks that may wait at once: some megabytes, and many times what one commit counts. Where the disk
/// hangs, what comes on top is refused.
const MOST_WAITING: usize = 65_536;

/// A click that waits to be counted.
pub(super) struct Waiting {
    link: LinkId,
    cap: NonZeroU64,
    /// Whether it was let through, once that is on the disk.
    answer: oneshot::Sender<Result<bool, StoreError>>,
}

/// The clicks that wait for the next commit. Where there are any, a [`Taker`] is about to take them.
#[derive(Default)]
pub(super) struct Queue(Mutex<Vec<Waiting>>);

/// A click's place in the queue.
pub(super) struct Place {
    /// What becomes of it; an error where it was taken and never counted.
    pub(super) answered: oneshot::Receiver<Result<bool, StoreError>>,
    /// For the first one, who sees to it that all behind are counted too.
    pub(super) taker: Option<Taker>,
}

/// Takes all that wait, at the latest when it is dropped: a thread that dies and a runtime that ends leave
/// nobody waiting for ever.
pub(super) struct Taker {
    queue: Arc<Queue>,
    has_taken: bool,
}

impl Queue {
    /// Lets a click wait.
    pub(super) fn push(
        self: &Arc<Self>,
        link: LinkId,
        cap: NonZeroU64,
    ) -> Result<Place, StoreError> {
        let mut waiting = self.lock();
        if waiting.len() >= MOST_WAITING {
            let reason = format!("{MOST_WAITING} clicks wait for the disk already");
            return Err(StoreError::Unavailable(reason));
        }
        let (answer, answered) = oneshot::channel();
        let taker = waiting.is_empty().then(|| Taker {
            queue: Arc::clone(self),
            has_taken: false,
        });
        waiting.push(Waiting { link, cap, answer });
        Ok(Place { answered, taker })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        // A panic under the lock leaves a whole list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taker {
    /// All that wait, to be counted or refused.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        self.has_taken = true;
        std::mem::take(&mut *self.queue.lock())
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        if !self.has_taken {
            self.take();
        }
    }
}

/// Counts them, and says of each whether it is let through. One who has gone already is neither.
pub(super) fn count<E>(
    transaction: &WriteTransaction,
    waiting: &[Waiting],
) -> Result<Vec<bool>, Stop<E>> {
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
        let lets_through = !answer.is_closed() && before < cap.get() && ids.get(link.0)?.is_some();
        if lets_through {
            counts.insert(link.0, before + 1);
        }
        counted.push(lets_through);
    }
    for (link, count) in counts {
        clicks.insert(link, count)?;
    }
    Ok(counted)
}

/// Answers everybody: once the commit is on the disk, or that there is none.
pub(super) fn answer(waiting: Vec<Waiting>, counted: Result<Vec<bool>, StoreError>) {
    let mut counted = counted.map(Vec::into_iter);
    for Waiting { answer, .. } in waiting {
        // An error means that the visitor has gone meanwhile; the click stays counted.
        let _ = answer.send(match &mut counted {
            Ok(counted) => Ok(counted.next().unwrap_or(false)),
            Err(error) => Err(error.clone()),
        });
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

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase};
    use tokio::sync::oneshot::error::TryRecvError;

    use super::super::tables;
    use super::*;

    const LINK: LinkId = LinkId(7);
    const CAP: NonZeroU64 = NonZeroU64::new(2).unwrap();

    #[test]
    fn whoever_has_gone_is_not_counted() {
        let database = Database::builder()
            .create_with_backend(InMemoryBackend::new())
            .unwrap();
        let queue = Arc::new(Queue::default());
        let mut taker = queue.push(LINK, CAP).unwrap().taker.unwrap();
        let mut places: Vec<_> = (0..3).map(|_| queue.push(LINK, CAP).unwrap()).collect();
        assert!(places.iter().all(|place| place.taker.is_none()));

        let transaction = database.begin_write().unwrap();
        tables::create::<StoreError>(&transaction)
            .map_err(drop)
            .unwrap();
        let mut ids = transaction.open_table(IDS).unwrap();
        ids.insert(LINK.0, "go.example.com/a").unwrap();
        drop(ids);
        let waiting = taker.take();
        let counted = count::<StoreError>(&transaction, &waiting).map_err(drop);
        transaction.commit().unwrap();
        answer(waiting, Ok(counted.unwrap()));
        let answers: Vec<bool> = places
            .iter_mut()
            .map(|place| place.answered.try_recv().unwrap().unwrap())
            .collect();
        assert_eq!(answers, [true, true, false]);
        let transaction = database.begin_read().unwrap();
        assert_eq!(super::counted(&transaction, LINK).map_err(drop).unwrap(), 2);
    }

    #[test]
    fn nobody_waits_for_ever_and_not_too_many_wait() {
        let queue = Arc::new(Queue::default());
        let first = queue.push(LINK, CAP).unwrap();
        let mut places: Vec<_> = (1..MOST_WAITING)
            .map(|_| queue.push(LINK, CAP).unwrap())
            .collect();
        assert!(queue.push(LINK, CAP).is_err());
        drop(first);
        for place in &mut places {
            assert_eq!(place.answered.try_recv().unwrap_err(), TryRecvError::Closed);
        }
        let mut next = queue.push(LINK, CAP).unwrap();
        let waiting = next.taker.take().unwrap().take();
        answer(waiting, Err(StoreError::Unavailable("no disk".into())));
        assert!(next.answered.try_recv().unwrap().is_err());
    }
}
