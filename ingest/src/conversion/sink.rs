//! Brings journalled conversions into ClickHouse, block by block.

use std::sync::Arc;

use whence_core::account::LaneAccount;
use whence_core::conversion::Conversion;
use whence_core::journal::{Block, Seq};
use whence_core::ship::{DeliverError, Sink};
use whence_core::wire::{self, WireError};

use super::desk::Desk;
use super::tables::BlockRows;
use crate::insert::{InsertError, Inserts};
use crate::metrics::{Metrics, Table};
use crate::unreadable::Unreadable;

/// The table `conversions`.
pub(crate) struct ConversionTable {
    inserts: Arc<Inserts>,
    desk: Arc<Desk>,
    metrics: Metrics,
}

impl ConversionTable {
    /// Inserts through `inserts`, and tells the desk what has arrived.
    pub(crate) fn new(inserts: Arc<Inserts>, desk: Arc<Desk>, metrics: Metrics) -> Self {
        Self {
            inserts,
            desk,
            metrics,
        }
    }
}

impl Sink for ConversionTable {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let mut unreadable = Unreadable::new(&self.metrics, Table::Conversions, block.id());
        let conversions = readable(block, &mut unreadable)?;
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

/// The conversions of a block. One that is damaged is left out: its number stays missing. One of a newer version
/// holds up the lane until a newer Whence runs again, since all behind it will be newer too.
fn readable(
    block: &Block,
    unreadable: &mut Unreadable<'_>,
) -> Result<Vec<(Seq, Conversion)>, DeliverError> {
    let mut conversions = Vec::with_capacity(block.count() as usize);
    for (seq, payload) in block.records() {
        match decode(payload) {
            Ok(conversion) => conversions.push((seq, conversion)),
            Err(error @ WireError::Version { .. }) => {
                return Err(DeliverError::Retry(error.to_string()));
            }
            Err(error) => unreadable.skip(seq, error),
        }
    }
    Ok(conversions)
}

/// Reads a conversion from the journal.
pub(super) fn decode(payload: &[u8]) -> Result<Conversion, WireError> {
    wire::decode(payload)
}
