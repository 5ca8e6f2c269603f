//! The conversions that are in the journal and not yet in ClickHouse, by event: what makes a repeat
//! known before ClickHouse can know it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tokio::sync::watch;
use whence_core::conversion::Conversion;
use whence_core::journal::Seq;

use super::receipt::{EventKey, Receipt};

/// A conversion as it is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name.
    pub(super) key: EventKey,
    /// The name of the sale that it takes back.
    pub(super) sale: Option<EventKey>,
    /// What was answered, and to what.
    pub(super) receipt: Receipt,
}

impl Event {
    /// A conversion's.
    pub(super) fn of(conversion: &Conversion) -> Self {
        let workspace = &conversion.workspace;
        Self {
            key: EventKey::new(workspace, &conversion.event_id),
            sale: (!conversion.reference.is_empty())
                .then(|| EventKey::new(workspace, &conversion.reference)),
            receipt: Receipt::of(conversion),
        }
    }
}

/// How far an event has come.
#[derive(Debug)]
enum Stage {
    /// Somebody is about to accept it, perhaps instead of one in the journal; the channel closes when that
    /// is over.
    Claimed(watch::Receiver<()>, Option<(Receipt, Seq)>),
    /// It has this number in the journal.
    Journalled(Receipt, Seq),
}

/// What is known of an event.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing: it is yours now, until [`Pending::journalled`] or [`Pending::release`]. Hold the sender
    /// until then.
    Yours(watch::Sender<()>),
    /// Somebody is about to accept it: ask again when this closes.
    Others(watch::Receiver<()>),
    /// It has been accepted.
    Accepted(Receipt, Seq),
    /// So many wait that one more does not fit.
    TooMany,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    stages: HashMap<EventKey, Stage>,
    /// What is in the journal and takes a sale back, by that sale.
    refunds: HashMap<EventKey, Vec<(EventKey, Receipt, Seq)>>,
}

impl Pending {
    /// Claims an event, unless it is known by one that `new` does not outrank.
    pub(super) fn claim(&mut self, key: EventKey, new: &Receipt, limit: usize) -> Known {
        let is_full = self.stages.len() >= limit;
        match self.stages.entry(key) {
            Entry::Occupied(mut known) => match known.get() {
                Stage::Claimed(over, _) => Known::Others(over.clone()),
                &Stage::Journalled(receipt, seq) if new.outranks(&receipt) => {
                    let (hold, over) = watch::channel(());
                    known.insert(Stage::Claimed(over, Some((receipt, seq))));
                    Known::Yours(hold)
                }
                Stage::Journalled(receipt, seq) => Known::Accepted(*receipt, *seq),
            },
            Entry::Vacant(_) if is_full => Known::TooMany,
            Entry::Vacant(place) => {
                let (hold, over) = watch::channel(());
                place.insert(Stage::Claimed(over, None));
                Known::Yours(hold)
            }
        }
    }

    /// The event stands in the journal now.
    pub(super) fn journalled(&mut self, event: &Event, seq: Seq) {
        let Event { key, sale, receipt } = *event;
        self.stages.insert(key, Stage::Journalled(receipt, seq));
        if let Some(sale) = sale {
            let refunds = self.refunds.entry(sale).or_default();
            refunds.push((key, receipt, seq));
        }
    }

    /// As [`Pending::journalled`], for what is found in the journal at the start: the first of an event
    /// stands, unless a later one outranks it.
    pub(super) fn found(&mut self, event: &Event, seq: Seq) {
        match self.stages.get(&event.key) {
            Some(Stage::Journalled(earlier, _)) if !event.receipt.outranks(earlier) => {}
            _ => self.journalled(event, seq),
        }
    }

    /// What stands for an event in the journal.
    pub(super) fn standing(&self, key: EventKey) -> Option<Receipt> {
        match self.stages.get(&key)? {
            Stage::Journalled(receipt, _) | Stage::Claimed(_, Some((receipt, _))) => Some(*receipt),
            Stage::Claimed(_, None) => None,
        }
    }

    /// What is in the journal and takes a sale back.
    pub(super) fn refunds_of(&self, sale: EventKey) -> impl Iterator<Item = (EventKey, Receipt)> {
        let refunds = self.refunds.get(&sale).into_iter().flatten();
        refunds.map(|(key, receipt, _)| (*key, *receipt))
    }

    /// Gives up a claim; what was journalled before or in the meantime stays.
    pub(super) fn release(&mut self, key: EventKey) {
        if let Entry::Occupied(mut stage) = self.stages.entry(key)
            && let Stage::Claimed(_, before) = stage.get()
        {
            match *before {
                Some((receipt, seq)) => drop(stage.insert(Stage::Journalled(receipt, seq))),
                None => drop(stage.remove()),
            }
        }
    }

    /// Forgets an event that ClickHouse has: the one with this number, not a later one of the same name.
    pub(super) fn arrived(&mut self, event: &Event, seq: Seq) {
        if let Some(sale) = event.sale
            && let Entry::Occupied(mut refunds) = self.refunds.entry(sale)
        {
            refunds.get_mut().retain(|(_, _, at)| *at != seq);
            if refunds.get().is_empty() {
                refunds.remove();
            }
        }
        let Entry::Occupied(mut stage) = self.stages.entry(event.key) else {
            return;
        };
        match stage.get_mut() {
            Stage::Journalled(_, at) if *at == seq => drop(stage.remove()),
            Stage::Claimed(_, before) if before.is_some_and(|(_, at)| at == seq) => *before = None,
            Stage::Journalled(..) | Stage::Claimed(..) => {}
        }
    }
}

#[cfg(test)]
mod tests;
