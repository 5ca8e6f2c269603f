//! What is remembered of an accepted conversion: enough to answer a repeat, to say what a contradiction
//! changes, and to know what may be taken back. A million of them wait in memory, so it is small.

use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest, Sha256};
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource, Money};
use whence_core::erased::NO_DIGEST;
use whence_core::id::ClickId;
use whence_core::workspace::WorkspaceId;

/// An event of a workspace, as 128 bits of SHA-256: its name may be long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EventKey(u128);

impl EventKey {
    /// The key of an event.
    pub(super) fn new(workspace: &WorkspaceId, event_id: &str) -> Self {
        // No workspace id holds a zero byte.
        Self::hashed(&[workspace.as_str(), "\0", event_id])
    }

    /// The turn to take a sale back: a key that no event has, since no event id holds a control character.
    pub(super) fn turn(workspace: &WorkspaceId, sale: &str) -> Self {
        Self::hashed(&[workspace.as_str(), "\0\0", sale])
    }

    fn hashed(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let hash: [u8; 32] = hasher.finalize().into();
        Self(u128::from_be_bytes(
            hash[..16].try_into().expect("half of 32 bytes"),
        ))
    }
}

/// What was answered to the one that stands for an event, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// What happened.
    pub(crate) kind: ConversionKind,
    /// What it was worth, or what was given back.
    pub(super) amount: Option<Money>,
    /// The digest of what was said.
    pub(super) body_digest: u128,
    /// Whether a server said so, with an API key.
    pub(super) by_server: bool,
    /// The texts, each as 16 bits of a hash: tells which of them differs, but for one time in 65,536.
    prints: [u16; TEXTS.len()],
}

/// The texts that a receipt has prints of.
const TEXTS: [&str; 4] = ["name", "click_id", "customer", "reference"];

/// What a receipt is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// What happened.
    pub(super) kind: ConversionKind,
    /// The sender's kind of event.
    pub(super) name: &'a str,
    /// The click that led there.
    pub(super) click: Option<ClickId>,
    /// The merchant's customer.
    pub(super) customer: &'a str,
    /// What it was worth, or what was given back.
    pub(super) amount: Option<Money>,
    /// The sale that it takes back.
    pub(super) reference: &'a str,
    /// The digest of what was said.
    pub(super) body_digest: u128,
    /// Whether a server said so.
    pub(super) by_server: bool,
}

impl Receipt {
    /// The receipt of a conversion.
    pub(super) fn of(conversion: &Conversion) -> Self {
        Self::new(Facts {
            kind: conversion.kind,
            name: &conversion.name,
            click: conversion.click,
            customer: &conversion.customer,
            amount: conversion.amount,
            reference: &conversion.reference,
            body_digest: conversion.body_digest,
            by_server: conversion.source == ConversionSource::Server,
        })
    }

    /// The receipt of what is known to be so.
    pub(super) fn new(facts: Facts<'_>) -> Self {
        let click = facts.click.map(|click| click.to_string());
        Self {
            kind: facts.kind,
            amount: facts.amount,
            body_digest: facts.body_digest,
            by_server: facts.by_server,
            prints: [
                print(facts.name),
                print(click.as_deref().unwrap_or_default()),
                print(facts.customer),
                print(facts.reference),
            ],
        }
    }

    /// Whether this one stands instead of an earlier one: anybody can send a browser's, so none keeps a
    /// server's out.
    pub(super) fn outranks(&self, earlier: &Self) -> bool {
        self.by_server && !earlier.by_server && !earlier.was_erased()
    }

    /// Whether nobody knows any more what was said: whoever it was about was erased. Whatever is said now is the same.
    pub(super) fn was_erased(&self) -> bool {
        self.body_digest == NO_DIGEST
    }

    /// The fields in which two that say different things differ, by the names that a server uses.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let of = |receipt: &Self| {
            let amount = receipt.amount;
            (amount.map(|it| it.minor), amount.map(|it| it.currency))
        };
        let ((minor, currency), (other_minor, other_currency)) = (of(self), of(other));
        let mut differing: Vec<&'static str> = [
            ("kind", self.kind != other.kind),
            ("amount", minor != other_minor),
            ("currency", currency != other_currency),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect();
        let texts = TEXTS.into_iter().zip(self.prints.iter().zip(&other.prints));
        differing.extend(texts.filter_map(|(name, (one, other))| (one != other).then_some(name)));
        if differing.is_empty() && self.body_digest != other.body_digest {
            // Nothing else is left: whether and how it was dated is part of the digest alone.
            differing.push("occurred_at");
        }
        differing
    }
}

/// Never stored, so it may change from build to build.
fn print(text: &str) -> u16 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish() as u16
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The least that is said.
    pub(in crate::conversion) const FACTS: Facts<'static> = Facts {
        kind: ConversionKind::Lead,
        name: "",
        click: None,
        customer: "",
        amount: None,
        reference: "",
        body_digest: 5,
        by_server: false,
    };

    #[test]
    fn workspaces_events_and_turns_do_not_run_into_each_other() {
        let acme: WorkspaceId = "acme".parse().unwrap();
        let keys = [
            EventKey::new(&acme, "e1"),
            EventKey::new(&acme, "e2"),
            EventKey::new(&"acm".parse().unwrap(), "e1"),
            EventKey::turn(&acme, "e1"),
            EventKey::turn(&acme, "e2"),
        ];
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(keys.iter().position(|other| other == key), Some(place));
        }
        assert_eq!(EventKey::new(&acme, "e1"), keys[0]);
    }

    #[test]
    fn what_differs_is_named() {
        let first = Receipt::new(FACTS);
        let money = |minor, currency| Some(Money { minor, currency });
        let other = |facts: Facts<'_>| {
            let body_digest = 1;
            first.differences(&Receipt::new(Facts {
                body_digest,
                ..facts
            }))
        };
        assert_eq!(first.differences(&first), [""; 0]);
        assert_eq!(other(FACTS), ["occurred_at"]);
        let kind = ConversionKind::Sale;
        assert_eq!(other(Facts { kind, ..FACTS }), ["kind"]);
        let amount = money(1, *b"EUR");
        assert_eq!(other(Facts { amount, ..FACTS }), ["amount", "currency"]);
        assert_eq!(other(Facts { name: "n", ..FACTS }), ["name"]);
        let click = Some(ClickId(1));
        assert_eq!(other(Facts { click, ..FACTS }), ["click_id"]);
        let (customer, reference) = ("c", "r");
        let texts = Facts {
            customer,
            reference,
            ..FACTS
        };
        assert_eq!(other(texts), ["customer", "reference"]);
    }
}
