//! The conversions that are in the journal and not yet in ClickHouse, by event: what makes a repeat
//! known before ClickHouse can know it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use whence_core::conversion::{Conversion, ConversionKind};
use whence_core::journal::Seq;
use whence_core::workspace::WorkspaceId;

/// An event of a workspace, as 128 bits of SHA-256: its name may be long, a million of them wait in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EventKey(u128);

impl EventKey {
    /// The key of an event.
    pub(super) fn new(workspace: &WorkspaceId, event_id: &str) -> Self {
        // No workspace id holds a zero byte.
        let hasher = Sha256::new()
            .chain_update(workspace.as_str())
            .chain_update([0])
            .chain_update(event_id);
        let hash: [u8; 32] = hasher.finalize().into();
        Self(u128::from_be_bytes(
            hash[..16].try_into().expect("half of 32 bytes"),
        ))
    }
}

/// What was answered to the first of an event, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Lead or sale.
    pub(crate) kind: ConversionKind,
    /// When it was accepted, in milliseconds since 1970.
    pub(crate) received_ms: u64,
    /// The digest of what was said.
    pub(crate) body_digest: u128,
}

impl Receipt {
    /// The receipt of a conversion.
    pub(super) fn of(conversion: &Conversion) -> Self {
        Self {
            kind: conversion.kind,
            received_ms: conversion.received_ms,
            body_digest: conversion.body_digest,
        }
    }
}

/// How far an event has come.
#[derive(Debug)]
enum Stage {
    /// Somebody is about to accept it; the channel closes when that is over.
    Claimed(watch::Receiver<()>),
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
}

impl Pending {
    /// Claims an event, unless it is known.
    pub(super) fn claim(&mut self, key: EventKey, limit: usize) -> Known {
        let is_full = self.stages.len() >= limit;
        match self.stages.entry(key) {
            Entry::Occupied(known) => match known.get() {
                Stage::Claimed(over) => Known::Others(over.clone()),
                Stage::Journalled(receipt, seq) => Known::Accepted(*receipt, *seq),
            },
            Entry::Vacant(_) if is_full => Known::TooMany,
            Entry::Vacant(place) => {
                let (hold, over) = watch::channel(());
                place.insert(Stage::Claimed(over));
                Known::Yours(hold)
            }
        }
    }

    /// The event stands in the journal now.
    pub(super) fn journalled(&mut self, key: EventKey, receipt: Receipt, seq: Seq) {
        self.stages.insert(key, Stage::Journalled(receipt, seq));
    }

    /// As [`Pending::journalled`], for what is found in the journal at the start: the first of an event
    /// is the one that was answered.
    pub(super) fn found(&mut self, key: EventKey, receipt: Receipt, seq: Seq) {
        self.stages
            .entry(key)
            .or_insert(Stage::Journalled(receipt, seq));
    }

    /// Gives up a claim; what was journalled in the meantime stays.
    pub(super) fn release(&mut self, key: EventKey) {
        if let Entry::Occupied(stage) = self.stages.entry(key)
            && matches!(stage.get(), Stage::Claimed(_))
        {
            stage.remove();
        }
    }

    /// Forgets an event that ClickHouse has: the one with this number, not a later one of the same name.
    pub(super) fn arrived(&mut self, key: EventKey, seq: Seq) {
        if let Entry::Occupied(stage) = self.stages.entry(key)
            && matches!(stage.get(), Stage::Journalled(_, at) if *at == seq)
        {
            stage.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(event_id: &str) -> EventKey {
        EventKey::new(&"acme".parse().unwrap(), event_id)
    }

    fn receipt(body_digest: u128) -> Receipt {
        Receipt {
            kind: ConversionKind::Lead,
            received_ms: 1,
            body_digest,
        }
    }

    #[test]
    fn workspaces_and_events_do_not_run_into_each_other() {
        let other = EventKey::new(&"acm".parse().unwrap(), "e1");
        assert_ne!(key("1"), other);
        assert_ne!(key("1"), key("2"));
        assert_eq!(key("1"), key("1"));
    }

    #[test]
    fn an_event_goes_from_claim_to_journal_to_table() {
        let mut pending = Pending::default();
        let Known::Yours(hold) = pending.claim(key("1"), 10) else {
            panic!()
        };
        let Known::Others(over) = pending.claim(key("1"), 10) else {
            panic!()
        };
        pending.journalled(key("1"), receipt(5), 3);
        pending.release(key("1"));
        drop(hold);
        assert!(over.has_changed().is_err(), "whoever waits is told");
        let Known::Accepted(known, 3) = pending.claim(key("1"), 10) else {
            panic!()
        };
        assert_eq!(known, receipt(5));
        pending.arrived(key("1"), 2);
        assert_eq!(pending.stages.len(), 1, "another number of the same name");
        pending.arrived(key("1"), 3);
        assert_eq!(pending.stages.len(), 0);
    }

    #[test]
    fn a_released_claim_is_free_again() {
        let mut pending = Pending::default();
        let Known::Yours(_hold) = pending.claim(key("1"), 10) else {
            panic!()
        };
        pending.release(key("1"));
        assert!(matches!(pending.claim(key("1"), 10), Known::Yours(_)));
    }

    #[test]
    fn memory_is_bounded_and_known_events_are_still_known() {
        let mut pending = Pending::default();
        pending.found(key("1"), receipt(5), 1);
        pending.found(key("1"), receipt(6), 2);
        assert!(matches!(pending.claim(key("2"), 1), Known::TooMany));
        let Known::Accepted(first, 1) = pending.claim(key("1"), 1) else {
            panic!()
        };
        assert_eq!(first, receipt(5), "the first in the journal was answered");
    }
}
