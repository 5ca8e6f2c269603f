//! Takes confirmations into the journal, none answered before it stands there.

use quick_cache::sync::Cache;
use tokio::sync::mpsc;
use whence_core::confirmation::Confirmation;
use whence_core::id::ClickId;
use whence_core::journal::{LaneWriter, Poisoned};
use whence_core::workspace::WorkspaceId;

use crate::intake::{Intake, TakeError};

/// How many confirmations are remembered, so that repeats of a fresh one do not fill the journal. Some hundred bytes
/// each, so some megabytes; what is forgotten is journalled again, and collapses in the table.
const REMEMBERED: usize = 65_536;

/// What a confirmation is that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// In the journal.
    New,
    /// Its click was confirmed a while ago.
    Again,
}

/// Where confirmations are taken.
#[derive(Debug)]
pub(crate) struct ConfirmationDesk {
    intake: Intake,
    /// With the workspace, which a page only says of itself: one that says another's must not keep the true one out.
    recent: Cache<(WorkspaceId, ClickId), ()>,
}

impl ConfirmationDesk {
    /// A desk over a lane.
    pub(crate) fn new(lane: LaneWriter, broken: mpsc::Sender<Poisoned>) -> Self {
        Self {
            intake: Intake::new(lane, broken),
            recent: Cache::new(REMEMBERED),
        }
    }

    /// Answers once the confirmation is in the journal, or was before.
    pub(crate) async fn take(&self, confirmation: &Confirmation) -> Result<Taken, TakeError> {
        let key = (confirmation.workspace.clone(), confirmation.click);
        if self.recent.get(&key).is_some() {
            return Ok(Taken::Again);
        }
        let taken = self.intake.take([confirmation]).await.pop();
        taken.expect("an answer for each")?;
        self.recent.insert(key, ());
        Ok(Taken::New)
    }
}

#[cfg(test)]
mod tests {
    use whence_core::confirmation::Marks;
    use whence_core::journal::{self, LaneOptions};
    use whence_core::wire;

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
