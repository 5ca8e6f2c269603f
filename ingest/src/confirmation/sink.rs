//! Brings journalled confirmations into ClickHouse, block by block.

use std::sync::Arc;
use std::time::Instant;

use whence_core::account::LaneAccount;
use whence_core::confirmation::Confirmation;
use whence_core::journal::Block;
use whence_core::ship::{DeliverError, Sink};

use super::row::ConfirmationRow;
use crate::insert::Inserts;
use crate::metrics::{Metrics, Table};
use crate::unreadable::{Unreadable, readable};

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
        let mut unreadable = Unreadable::new(&self.metrics, Table::Confirmations, block.id());
        let confirmations = readable::<Confirmation>(block, &mut unreadable)?;
        let rows = confirmations
            .iter()
            .map(|(_, confirmation)| ConfirmationRow::new(confirmation));
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
