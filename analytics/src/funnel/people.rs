//! The events of people who did more than enter, person by person and in their order.
//!
//! Events have an order of their own where they happened in the same millisecond: a click comes before a page event, that before
//! a lead, that before a sale, since none of them can be the cause of one before it; events of one kind come by id. So the
//! order, and with it the answer, never depends on how rows happen to be read.

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;

use super::matching::Event;

/// A row of `owners.sql`.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Owner {
    identity: u128,
    owner: u128,
}

/// Which identities are a customer's.
#[derive(Debug)]
pub(super) struct Owners(HashMap<u128, u128>);

impl Owners {
    /// Of these rows.
    pub(super) fn new(rows: Vec<Owner>) -> Self {
        Self(
            rows.into_iter()
                .map(|one| (one.identity, one.owner))
                .collect(),
        )
    }

    /// Whose event it is, by the rules of `sql/people/persons.sql`: the customer's whom it names, else the identity's owner's, else
    /// the identity's.
    fn person(&self, identity: u128, customer_of: u128) -> u128 {
        match customer_of {
            0 => self.0.get(&identity).copied().unwrap_or(identity),
            customer => customer,
        }
    }
}

/// A row of `watched.sql` or `pages.sql`.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Seen {
    pub(super) identity: u128,
    customer_of: u128,
    pub(super) at: i64,
    pub(super) id: u128,
    pub(super) steps: u16,
    excluded: u16,
    pub(super) split: Vec<String>,
}

/// A row of `conversions.sql`.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Converted {
    identity: u128,
    customer_of: u128,
    at: i64,
    is_sale: u8,
    steps: u16,
    excluded: u16,
    currency: String,
    net_minor: i64,
    split: Vec<String>,
}

/// An event, with what is told of it.
#[derive(Debug)]
pub(super) struct Happened {
    person: u128,
    /// The event.
    pub(super) event: Event,
    rank: u8,
    id: u128,
    /// What an entry is told apart by.
    pub(super) split: Vec<String>,
    /// What a sale was worth, less what was given back of it.
    pub(super) worth: Option<(String, i64)>,
}

/// Everybody's events.
#[derive(Debug)]
pub(super) struct People(Vec<Happened>);

impl People {
    /// Sorts all events. Conversions come in the order of their ids.
    pub(super) fn new(
        owners: &Owners,
        clicks: Vec<Seen>,
        pages: Vec<Seen>,
        conversions: Vec<Converted>,
    ) -> Self {
        let mut all = Vec::with_capacity(clicks.len() + pages.len() + conversions.len());
        let seen = |rank, one: Seen| Happened {
            person: owners.person(one.identity, one.customer_of),
            event: Event {
                at: one.at,
                steps: one.steps,
                excluded: one.excluded,
            },
            rank,
            id: one.id,
            split: one.split,
            worth: None,
        };
        all.extend(clicks.into_iter().map(|one| seen(0, one)));
        all.extend(pages.into_iter().map(|one| seen(1, one)));
        let converted = |(number, one): (usize, Converted)| {
            let has_worth = one.is_sale == 1 && !one.currency.is_empty();
            Happened {
                person: owners.person(one.identity, one.customer_of),
                event: Event {
                    at: one.at,
                    steps: one.steps,
                    excluded: one.excluded,
                },
                rank: 2 + one.is_sale,
                id: number as u128,
                split: one.split,
                worth: has_worth.then_some((one.currency, one.net_minor)),
            }
        };
        all.extend(conversions.into_iter().enumerate().map(converted));
        all.sort_unstable_by_key(|one| (one.person, one.event.at, one.rank, one.id));
        Self(all)
    }

    /// Shows each person's events, and what is told of them.
    pub(super) fn each(&self, mut show: impl FnMut(&[Event], &[Happened])) {
        let mut events = Vec::new();
        for theirs in self.0.chunk_by(|one, next| one.person == next.person) {
            events.clear();
            events.extend(theirs.iter().map(|one| one.event));
            show(&events, theirs);
        }
    }
}
