//! Brings journalled confirmations into ClickHouse, block by block.

use std::sync::Arc;
use std::time::Instant;

use whence_core::account::LaneAccount;
use whence_core::confirmation::Confirmation;
use whence_core::journal::Block;
use whence_core::ship::{DeliverError, Sink};
use whence_core::wire::{self, WireError};

use super::row::ConfirmationRow;
use crate::insert::Inserts;
use crate::metrics::{Metrics, Table};
use crate::unreadable::Unreadable;

/// The table `confirmations`.
pub(crate) struct ConfirmationTable {
    inserts: Arc<Inserts>,
    metrics: Metrics,
}

impl ConfirmationTable {
    /// Inserts through `inserts`.
    pub(crate) fn new(inserts: Arc<Inserts>, metrics: Metrics) -> Self {
        Self { inserts, metrics }
    }
}

impl Sink for ConfirmationTable {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let confirmations = readable(block, &self.metrics)?;
        let rows = confirmations.iter().map(ConfirmationRow::new);
        let begun = Instant::now();
        let stored = self
            .inserts
            .replace::<ConfirmationRow<'_>>(Table::Confirmations.name(), Box::new(rows));
        stored
            .await
            .map_err(|error| DeliverError::Retry(error.to_string()))?;
        self.metrics.inserted(Table::Confirmations, begun.elapsed());
        Ok(())
    }

    /// Kept by nobody: rows have no numbers for an audit to compare, since a click is confirmed once, however often
    /// its confirmation was taken.
    async fn account(&self, _: &[LaneAccount]) -> Result<(), DeliverError> {
        Ok(())
    }
}

/// The confirmations of a block. One that is damaged is left out; one of a newer version holds up the lane until a
/// newer Whence runs again, since all behind it will be newer too.
fn readable(block: &Block, metrics: &Metrics) -> Result<Vec<Confirmation>, DeliverError> {
    let mut unreadable = Unreadable::new(metrics, Table::Confirmations, block.id());
    let mut confirmations = Vec::with_capacity(block.count() as usize);
    for (seq, payload) in block.records() {
        match wire::decode(payload) {
            Ok(confirmation) => confirmations.push(confirmation),
            Err(error @ WireError::Version { .. }) => {
                return Err(DeliverError::Retry(error.to_string()));
            }
            Err(error) => unreadable.skip(seq, error),
        }
    }
    Ok(confirmations)
}
