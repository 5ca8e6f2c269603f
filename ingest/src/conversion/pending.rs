//! The conversions that are in the journal and not yet in ClickHouse, by event: what makes a repeat
//! known before ClickHouse can know it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource};
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

/// What was answered to the one that stands for an event, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Lead or sale.
    pub(crate) kind: ConversionKind,
    /// When it was accepted, in milliseconds since 1970.
    pub(crate) received_ms: u64,
    /// The digest of what was said.
    pub(crate) body_digest: u128,
    /// Whether a server said so, with an API key.
    pub(crate) by_server: bool,
}

impl Receipt {
    /// The receipt of a conversion.
    pub(super) fn of(conversion: &Conversion) -> Self {
        Self {
            kind: conversion.kind,
            received_ms: conversion.received_ms,
            body_digest: conversion.body_digest,
            by_server: conversion.source == ConversionSource::Server,
        }
    }

    /// Whether this one stands instead of an earlier one: anybody can send a browser's, so none keeps a
    /// server's out.
    pub(super) fn outranks(&self, earlier: &Self) -> bool {
        self.by_server && !earlier.by_server
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
    pub(super) fn journalled(&mut self, key: EventKey, receipt: Receipt, seq: Seq) {
        self.stages.insert(key, Stage::Journalled(receipt, seq));
    }

    /// As [`Pending::journalled`], for what is found in the journal at the start: the first of an event
    /// stands, unless a later one outranks it.
    pub(super) fn found(&mut self, key: EventKey, receipt: Receipt, seq: Seq) {
        match self.stages.get(&key) {
            Some(Stage::Journalled(earlier, _)) if !receipt.outranks(earlier) => {}
            _ => self.journalled(key, receipt, seq),
        }
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
    pub(super) fn arrived(&mut self, key: EventKey, seq: Seq) {
        let Entry::Occupied(mut stage) = self.stages.entry(key) else {
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
            by_server: false,
        }
    }

    #[test]
    fn a_servers_word_is_taken_over_a_browsers_and_not_the_other_way() {
        let mut pending = Pending::default();
        let server = Receipt {
            by_server: true,
            ..receipt(6)
        };
        pending.journalled(key("1"), receipt(5), 1);
        let Known::Yours(_hold) = pending.claim(key("1"), &server, 10) else {
            panic!()
        };
        pending.release(key("1"));
        let Known::Accepted(known, 1) = pending.claim(key("1"), &receipt(7), 10) else {
            panic!("a claim that came to nothing leaves what was")
        };
        assert_eq!(known, receipt(5));
        let Known::Yours(_hold) = pending.claim(key("1"), &server, 10) else {
            panic!()
        };
        pending.journalled(key("1"), server, 2);
        pending.arrived(key("1"), 1);
        for other in [receipt(5), server] {
            let Known::Accepted(known, 2) = pending.claim(key("1"), &other, 10) else {
                panic!()
            };
            assert_eq!(known, server);
        }
        pending.found(key("1"), receipt(5), 3);
        assert!(matches!(
            pending.claim(key("1"), &server, 10),
            Known::Accepted(_, 2)
        ));
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
        let Known::Yours(hold) = pending.claim(key("1"), &receipt(5), 10) else {
            panic!()
        };
        let Known::Others(over) = pending.claim(key("1"), &receipt(5), 10) else {
            panic!()
        };
        pending.journalled(key("1"), receipt(5), 3);
        pending.release(key("1"));
        drop(hold);
        assert!(over.has_changed().is_err(), "whoever waits is told");
        let Known::Accepted(known, 3) = pending.claim(key("1"), &receipt(5), 10) else {
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
        let Known::Yours(_hold) = pending.claim(key("1"), &receipt(5), 10) else {
            panic!()
        };
        pending.release(key("1"));
        assert!(matches!(
            pending.claim(key("1"), &receipt(5), 10),
            Known::Yours(_)
        ));
    }

    #[test]
    fn memory_is_bounded_and_known_events_are_still_known() {
        let mut pending = Pending::default();
        pending.found(key("1"), receipt(5), 1);
        pending.found(key("1"), receipt(6), 2);
        assert!(matches!(
            pending.claim(key("2"), &receipt(5), 1),
            Known::TooMany
        ));
        let Known::Accepted(first, 1) = pending.claim(key("1"), &receipt(5), 1) else {
            panic!()
        };
        assert_eq!(first, receipt(5), "the first in the journal was answered");
    }
}
