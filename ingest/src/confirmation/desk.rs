//! Takes confirmations into the journal, none answered before it stands there.

use std::sync::{Mutex, PoisonError};

use quick_cache::sync::Cache;
use thiserror::Error;
use tokio::sync::mpsc;
use whence_core::confirmation::Confirmation;
use whence_core::id::ClickId;
use whence_core::journal::{AppendError, DurableError, LaneWriter, Poisoned};
use whence_core::wire;
use whence_core::workspace::WorkspaceId;

/// How many confirmations are remembered, so that repeats of a fresh one do not fill the journal. Some hundred bytes
/// each, so some megabytes; what is forgotten is journalled again, and collapses in the table.
const REMEMBERED: usize = 65_536;
/// A record's usual size, and more.
const USUAL_BYTES: usize = 96;

/// What a confirmation is that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// In the journal.
    New,
    /// Its click was confirmed a while ago.
    Again,
}

/// A confirmation was not taken.
#[derive(Debug, Error)]
pub(crate) enum TakeError {
    /// Nothing more fits until ClickHouse takes some.
    #[error("confirmations cannot be stored now: {0}")]
    Full(String),
    /// The journal is out of order; the process ends.
    #[error("confirmations cannot be stored: the journal is broken")]
    Broken,
}

/// Where confirmations are taken.
#[derive(Debug)]
pub(crate) struct ConfirmationDesk {
    lane: Mutex<LaneWriter>,
    /// With the workspace, which a page only says of itself: one that says another's must not keep the true one out.
    recent: Cache<(WorkspaceId, ClickId), ()>,
    /// Told when the journal breaks.
    broken: mpsc::Sender<Poisoned>,
}

impl ConfirmationDesk {
    /// A desk over a lane.
    pub(crate) fn new(lane: LaneWriter, broken: mpsc::Sender<Poisoned>) -> Self {
        Self {
            lane: Mutex::new(lane),
            recent: Cache::new(REMEMBERED),
            broken,
        }
    }

    /// Answers once the confirmation is in the journal, or was before.
    pub(crate) async fn take(&self, confirmation: &Confirmation) -> Result<Taken, TakeError> {
        let key = (confirmation.workspace.clone(), confirmation.click);
        if self.recent.get(&key).is_some() {
            return Ok(Taken::Again);
        }
        let mut payload = Vec::with_capacity(USUAL_BYTES);
        wire::encode(confirmation, &mut payload);
        let synced = {
            // An append is one step: a thread that panicked left nothing half done.
            let mut lane = self.lane.lock().unwrap_or_else(PoisonError::into_inner);
            let seq = match lane.append(&payload) {
                Ok(seq) => seq,
                Err(AppendError::Poisoned { cause, .. }) => return Err(self.broken(cause)),
                Err(error) => return Err(TakeError::Full(error.to_string())),
            };
            lane.durable(seq)
        };
        match synced.await {
            Ok(()) => {}
            Err(DurableError::Poisoned(cause)) => return Err(self.broken(cause)),
            Err(error @ DurableError::Closed { .. }) => {
                return Err(TakeError::Full(error.to_string()));
            }
        }
        self.recent.insert(key, ());
        Ok(Taken::New)
    }

    fn broken(&self, cause: Poisoned) -> TakeError {
        // Somebody else may have told already.
        let _ = self.broken.try_send(cause);
        TakeError::Broken
    }
}

#[cfg(test)]
mod tests {
    use whence_core::confirmation::Marks;
    use whence_core::journal::{self, LaneOptions};

    use super::*;

    fn confirmation(workspace: &str, click: u128, confirmed_ms: u64) -> Confirmation {
        Confirmation {
            workspace: workspace.parse().unwrap(),
            click: ClickId(click),
            confirmed_ms,
            page_ms: 7,
            marks: Marks::FETCH,
        }
    }

    #[tokio::test]
    async fn a_repeat_is_not_journalled_and_another_workspace_is_no_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let options = LaneOptions {
            segment_bytes: 1 << 20,
            ..LaneOptions::default()
        };
        let (writer, mut reader) = journal::open(&folder.path().join("lane"), options).unwrap();
        let desk = ConfirmationDesk::new(writer, mpsc::channel(1).0);
        let first = confirmation("acme", 1, 10);
        let others = confirmation("other", 1, 11);
        assert_eq!(desk.take(&first).await.unwrap(), Taken::New);
        assert_eq!(
            desk.take(&confirmation("acme", 1, 12)).await.unwrap(),
            Taken::Again
        );
        assert_eq!(desk.take(&others).await.unwrap(), Taken::New);

        let block = reader.next_block(1 << 20, 100).unwrap().unwrap();
        let stored: Vec<Confirmation> = block
            .records()
            .map(|(_, payload)| wire::decode(payload).unwrap())
            .collect();
        assert_eq!(stored, [first, others]);
    }

    #[tokio::test]
    async fn a_full_journal_turns_confirmations_away_and_a_repeat_needs_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let options = LaneOptions {
            segment_bytes: 1 << 20,
            max_bytes: 2 << 20,
            ..LaneOptions::default()
        };
        let (writer, _reader) = journal::open(&folder.path().join("lane"), options).unwrap();
        let desk = ConfirmationDesk::new(writer, mpsc::channel(1).0);
        let mut taken = 0;
        let refused = loop {
            match desk.take(&confirmation("acme", taken, 10)).await {
                Ok(answer) => assert_eq!(answer, Taken::New),
                Err(error) => break error,
            }
            taken += 1;
            assert!(taken < 1 << 20, "the lane has no end");
        };
        assert!(matches!(refused, TakeError::Full(_)), "{refused}");
        let last = confirmation("acme", taken - 1, 10);
        assert_eq!(desk.take(&last).await.unwrap(), Taken::Again);
    }
}
