//! Brings journalled conversions into ClickHouse, block by block.

use std::sync::Arc;

use whence_core::conversion::Conversion;
use whence_core::journal::{Block, Seq};
use whence_core::ship::{DeliverError, Sink};
use whence_core::wire::{self, WireError};

use super::desk::Desk;
use super::row::ConversionRow;
use crate::insert::Inserts;
use crate::metrics::{Metrics, Table};

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
        let conversions = self.readable(block)?;
        let lane = block.id().lane.get();
        let rows = conversions
            .iter()
            .map(|(seq, conversion)| ConversionRow::new(conversion, lane, *seq));
        self.inserts
            .insert::<ConversionRow<'_>>(Table::Conversions, block.id(), Box::new(rows))
            .await
            .map_err(|error| DeliverError::Retry(error.to_string()))?;
        self.desk.arrived(
            conversions
                .iter()
                .map(|(seq, conversion)| (*seq, conversion)),
        );
        Ok(())
    }
}

impl ConversionTable {
    /// The conversions of a block. One that is damaged is left out, told and counted: its number stays
    /// missing. One of a newer version refuses the block, since all behind it will be newer too.
    fn readable(&self, block: &Block) -> Result<Vec<(Seq, Conversion)>, DeliverError> {
        let mut conversions = Vec::with_capacity(block.count() as usize);
        for (seq, payload) in block.records() {
            match decode(payload) {
                Ok(conversion) => conversions.push((seq, conversion)),
                Err(error @ WireError::Version { .. }) => {
                    return Err(DeliverError::Refused(error.to_string()));
                }
                Err(error) => {
                    self.metrics.record_skipped(Table::Conversions);
                    tracing::error!(lane = %block.id().lane, seq, %error, "a conversion cannot be read");
                }
            }
        }
        Ok(conversions)
    }
}

/// Reads a conversion from the journal.
pub(super) fn decode(payload: &[u8]) -> Result<Conversion, WireError> {
    wire::decode(payload)
}
