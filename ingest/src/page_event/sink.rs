//! Brings journalled page events into ClickHouse, block by block.

use std::sync::Arc;
use std::time::Instant;

use whence_core::account::LaneAccount;
use whence_core::erased::ErasedEvents;
use whence_core::journal::Block;
use whence_core::page_event::PageEvent;
use whence_core::ship::{DeliverError, Sink};

use super::repeats::settle;
use super::row::PageEventRow;
use crate::insert::{InsertError, Inserts};
use crate::metrics::{Metrics, Table};
use crate::unreadable::{Unreadable, readable};

/// The table `page_events`.
pub(crate) struct PageEventTable {
    inserts: Arc<Inserts>,
    /// What events are called that were erased.
    erased: ErasedEvents,
    metrics: Metrics,
}

impl PageEventTable {
    /// Inserts through `inserts`.
    pub(crate) fn new(inserts: Arc<Inserts>, erased: ErasedEvents, metrics: Metrics) -> Self {
        Self {
            inserts,
            erased,
            metrics,
        }
    }

    async fn store(&self, block: &Block) -> Result<(), DeliverError> {
        let mut unreadable = Unreadable::new(&self.metrics, Table::PageEvents, block.id());
        let events = readable::<PageEvent>(block, &mut unreadable)?;
        let again = |error: InsertError| DeliverError::Retry(error.to_string());
        let events = settle(&self.inserts, &self.erased, events)
            .await
            .map_err(again)?;
        let lane = block.id().lane.get();
        let rows = events
            .iter()
            .map(|(seq, event)| PageEventRow::new(event, lane, *seq));
        let table = Table::PageEvents.name();
        let stored = self
            .inserts
            .replace::<PageEventRow<'_>>(table, Box::new(rows));
        stored.await.map_err(again)
    }
}

impl Sink for PageEventTable {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let begun = Instant::now();
        self.store(block).await?;
        self.metrics.inserted(Table::PageEvents, begun.elapsed());
        Ok(())
    }

    /// Kept by nobody: an event that was sent twice has two numbers and one row, which an audit would take for a loss.
    async fn account(&self, _: &[LaneAccount]) -> Result<(), DeliverError> {
        Ok(())
    }
}
