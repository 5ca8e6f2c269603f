//! The records of a block of which no row can be made, as gaps in their lane: so that an audit names the reason.

use serde::de::DeserializeOwned;
use whence_core::account::{Gap, GapReason, MOST_GAPS};
use whence_core::journal::{Block, BlockId, Seq};
use whence_core::ship::DeliverError;
use whence_core::wire::{self, Wire, WireError};

use crate::metrics::{Metrics, Table};

/// The unreadable records of one block.
#[derive(Debug)]
pub(crate) struct Unreadable<'m> {
    metrics: &'m Metrics,
    table: Table,
    block: BlockId,
    gaps: Vec<Gap>,
}

impl<'m> Unreadable<'m> {
    /// None so far.
    pub(crate) fn new(metrics: &'m Metrics, table: Table, block: BlockId) -> Self {
        Self {
            metrics,
            table,
            block,
            gaps: Vec::new(),
        }
    }

    /// A record is left out: told, counted and noted. Beyond so many gaps that no damage explains them, the numbers
    /// stay missing without a reason, so that a block of garbage takes no more memory than one of clicks.
    pub(crate) fn skip(&mut self, seq: Seq, reason: impl ToString) {
        let detail = reason.to_string();
        self.metrics.record_skipped(self.table);
        let table = self.table.name();
        tracing::error!(lane = %self.block.lane, seq, reason = detail, "a record of {table} cannot be read");
        if let Some(last) = self.gaps.last_mut()
            && last.last + 1 == seq
            && last.detail == detail
        {
            last.last = seq;
        } else if self.gaps.len() < MOST_GAPS {
            self.gaps.push(Gap {
                first: seq,
                last: seq,
                reason: GapReason::Unreadable,
                detail,
            });
        }
    }

    /// Their gaps, in order.
    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }
}

/// The records of a block. One that is damaged is left out: its number stays missing. One of a newer version holds up
/// the lane until a newer Whence runs again, since all behind it will be newer too.
pub(crate) fn readable<T: Wire + DeserializeOwned>(
    block: &Block,
    unreadable: &mut Unreadable<'_>,
) -> Result<Vec<(Seq, T)>, DeliverError> {
    let mut records = Vec::with_capacity(block.count() as usize);
    for (seq, payload) in block.records() {
        match wire::decode(payload) {
            Ok(record) => records.push((seq, record)),
            Err(error @ WireError::Version { .. }) => {
                return Err(DeliverError::Retry(error.to_string()));
            }
            Err(error) => unreadable.skip(seq, error),
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;
    use whence_core::journal::LaneId;

    use super::*;

    #[test]
    fn neighbours_are_one_gap_and_gaps_are_bounded() {
        let metrics = Metrics::register(&mut Registry::default());
        let block = BlockId {
            lane: LaneId::new(1),
            first: 1,
            last: 9_999,
        };
        let mut unreadable = Unreadable::new(&metrics, Table::Clicks, block);
        for (seq, reason) in [(3, "a"), (4, "a"), (5, "b"), (7, "b")] {
            unreadable.skip(seq, reason);
        }
        let ends: Vec<_> = unreadable
            .gaps()
            .iter()
            .map(|g| (g.first, g.last))
            .collect();
        assert_eq!(ends, [(3, 4), (5, 5), (7, 7)]);
        for seq in 0..2 * MOST_GAPS as Seq {
            unreadable.skip(100 + 2 * seq, "c");
        }
        assert_eq!(unreadable.gaps().len(), MOST_GAPS);
    }
}
