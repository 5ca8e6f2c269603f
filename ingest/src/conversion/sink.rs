//! Brings journalled conversions into ClickHouse, block by block.

use std::sync::Arc;

use tokio::sync::watch;
use whence_core::account::LaneAccount;
use whence_core::conversion::Conversion;
use whence_core::journal::Block;
use whence_core::ship::{DeliverError, Sink};
use whence_core::wire::{self, WireError};

use super::desk::Desk;
use super::tables::BlockRows;
use crate::insert::{InsertError, Inserts};
use crate::metrics::{Metrics, Table};
use crate::unreadable::{Unreadable, readable};

/// The table `conversions`.
pub(crate) struct ConversionTable {
    inserts: Arc<Inserts>,
    desk: Arc<Desk>,
    metrics: Metrics,
    /// Told whenever some have come.
    come: watch::Sender<()>,
}

impl ConversionTable {
    /// Inserts through `inserts`, and tells the desk what has arrived.
    pub(crate) fn new(inserts: Arc<Inserts>, desk: Arc<Desk>, metrics: Metrics) -> Self {
        Self {
            inserts,
            desk,
            metrics,
            come: watch::Sender::new(()),
        }
    }

    /// Hears whenever conversions have come into the table.
    pub(crate) fn come(&self) -> watch::Receiver<()> {
        self.come.subscribe()
    }
}

impl Sink for ConversionTable {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let mut unreadable = Unreadable::new(&self.metrics, Table::Conversions, block.id());
        let conversions = readable::<Conversion>(block, &mut unreadable)?;
        let of_block = BlockRows::of(block.id(), &conversions);
        let stored = self.inserts.once(block.id(), &of_block).await;
        stored.map_err(|error| match error {
            InsertError::Refused { .. } => DeliverError::Refused(error.to_string()),
            InsertError::Unseen(_)
            | InsertError::ClickHouse(_)
            | InsertError::Tables(_)
            | InsertError::Window(_)
            | InsertError::Behind(_) => DeliverError::Retry(error.to_string()),
        })?;
        self.inserts.note(block.id(), &unreadable).await;
        self.come.send_replace(());
        self.desk.arrived(
            conversions
                .iter()
                .map(|(seq, conversion)| (*seq, conversion)),
        );
        Ok(())
    }

    async fn account(&self, accounts: &[LaneAccount]) -> Result<(), DeliverError> {
        let stored = self.inserts.account(accounts).await;
        stored.map_err(|error| DeliverError::Retry(error.to_string()))
    }
}

/// Reads a conversion from the journal.
pub(super) fn decode(payload: &[u8]) -> Result<Conversion, WireError> {
    wire::decode(payload)
}
