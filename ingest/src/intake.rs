//! Takes records into a lane of the journal where nobody has to know first whether they are new: answered when they stand
//! there, and what comes twice is told apart later.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use thiserror::Error;
use tokio::sync::mpsc;
use whence_core::journal::{AppendError, DurableError, LaneWriter, Poisoned};
use whence_core::wire::{self, Wire};

/// A record's usual size, and more.
const USUAL_BYTES: usize = 256;

/// A record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum TakeError {
    /// Nothing more fits until ClickHouse takes some.
    #[error("nothing can be stored now: {0}")]
    Full(String),
    /// The journal is out of order; the process ends.
    #[error("nothing can be stored: the journal is broken")]
    Broken,
}

/// A lane that is written to.
#[derive(Debug)]
pub(crate) struct Intake {
    lane: Mutex<LaneWriter>,
    /// Told when the journal breaks.
    broken: mpsc::Sender<Poisoned>,
}

impl Intake {
    /// Into a lane.
    pub(crate) fn new(lane: LaneWriter, broken: mpsc::Sender<Poisoned>) -> Self {
        Self {
            lane: Mutex::new(lane),
            broken,
        }
    }

    /// Answers once the records are in the journal: an answer for each, in their order. They are synced together.
    pub(crate) async fn take<'t, T: Wire + Serialize + 't>(
        &self,
        records: impl IntoIterator<Item = &'t T>,
    ) -> Vec<Result<(), TakeError>> {
        let (mut taken, synced) = {
            // An append is one step: a thread that panicked left nothing half done.
            let mut lane = self.lane.lock().unwrap_or_else(PoisonError::into_inner);
            let mut payload = Vec::with_capacity(USUAL_BYTES);
            let mut last = None;
            let append = |record| {
                payload.clear();
                wire::encode(record, &mut payload);
                match lane.append(&payload) {
                    Ok(seq) => {
                        last = Some(seq);
                        Ok(())
                    }
                    Err(AppendError::Poisoned { cause, .. }) => Err(self.broken(cause)),
                    Err(error) => Err(TakeError::Full(error.to_string())),
                }
            };
            let taken: Vec<_> = records.into_iter().map(append).collect();
            (taken, last.map(|last| lane.durable(last)))
        };
        let Some(synced) = synced else {
            return taken;
        };
        let failed = match synced.await {
            Ok(()) => return taken,
            Err(DurableError::Poisoned(cause)) => self.broken(cause),
            Err(error @ DurableError::Closed { .. }) => TakeError::Full(error.to_string()),
        };
        for record in &mut taken {
            record.clone_from(&Err(failed.clone()));
        }
        taken
    }

    fn broken(&self, cause: Poisoned) -> TakeError {
        // Somebody else may have told already.
        let _ = self.broken.try_send(cause);
        TakeError::Broken
    }
}
