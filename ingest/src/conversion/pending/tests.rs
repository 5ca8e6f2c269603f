//! An event's way from its claim to the journal and out of it, and what is known of it on the way.

use super::*;
use crate::conversion::receipt::Facts;
use crate::conversion::receipt::tests::FACTS;

fn key(event_id: &str) -> EventKey {
    EventKey::new(&"acme".parse().unwrap(), event_id)
}

fn receipt(body_digest: u128) -> Receipt {
    Receipt::new(Facts {
        body_digest,
        ..FACTS
    })
}

fn event(event_id: &str, receipt: Receipt) -> Event {
    Event {
        key: key(event_id),
        sale: None,
        receipt,
    }
}

#[test]
fn a_servers_word_is_taken_over_a_browsers_and_not_the_other_way() {
    let mut pending = Pending::default();
    let server = Receipt::new(Facts {
        body_digest: 6,
        by_server: true,
        ..FACTS
    });
    pending.journalled(&event("1", receipt(5)), 1);
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
    pending.journalled(&event("1", server), 2);
    pending.arrived(&event("1", receipt(0)), 1);
    for other in [receipt(5), server] {
        let Known::Accepted(known, 2) = pending.claim(key("1"), &other, 10) else {
            panic!()
        };
        assert_eq!(known, server);
    }
    pending.found(&event("1", receipt(5)), 3);
    assert!(matches!(
        pending.claim(key("1"), &server, 10),
        Known::Accepted(_, 2)
    ));
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
    pending.journalled(&event("1", receipt(5)), 3);
    pending.release(key("1"));
    drop(hold);
    assert!(over.has_changed().is_err(), "whoever waits is told");
    let Known::Accepted(known, 3) = pending.claim(key("1"), &receipt(5), 10) else {
        panic!()
    };
    assert_eq!(known, receipt(5));
    pending.arrived(&event("1", receipt(0)), 2);
    assert_eq!(pending.stages.len(), 1, "another number of the same name");
    pending.arrived(&event("1", receipt(0)), 3);
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
    pending.found(&event("1", receipt(5)), 1);
    pending.found(&event("1", receipt(6)), 2);
    assert!(matches!(
        pending.claim(key("2"), &receipt(5), 1),
        Known::TooMany
    ));
    let Known::Accepted(first, 1) = pending.claim(key("1"), &receipt(5), 1) else {
        panic!()
    };
    assert_eq!(first, receipt(5), "the first in the journal was answered");
}

#[test]
fn refunds_are_known_by_their_sale_until_they_have_arrived() {
    let mut pending = Pending::default();
    let refund = |event_id: &str| Event {
        sale: Some(key("sale")),
        ..event(event_id, receipt(5))
    };
    pending.journalled(&refund("1"), 1);
    pending.found(&refund("2"), 2);
    let known = |pending: &Pending, sale: &str| -> Vec<EventKey> {
        pending.refunds_of(key(sale)).map(|(key, _)| key).collect()
    };
    assert_eq!(known(&pending, "sale"), [key("1"), key("2")]);
    assert_eq!(known(&pending, "1"), []);
    assert_eq!(pending.standing(key("sale")), None);
    assert_eq!(pending.standing(key("1")), Some(receipt(5)));
    pending.arrived(&refund("1"), 1);
    assert_eq!(known(&pending, "sale"), [key("2")]);
    pending.arrived(&refund("2"), 2);
    assert_eq!((pending.refunds.len(), pending.stages.len()), (0, 0));
}
