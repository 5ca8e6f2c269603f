//! Bytes of every version of every record and block, as they lie in journals that were written long ago.
//!
//! A test that fails here has met a changed shape under an old number: journals in the field would be misread. A new
//! shape is a new version; its bytes are added below, and none is ever taken away.

// What these helpers unwrap fails the test that asked, as an unwrap inside it would.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde::Serialize;
use whence_core::click::{Click, Method, Outcome, Signs};
use whence_core::confirmation::{Confirmation, Marks};
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource, Money};
use whence_core::id::{ClickId, LinkId, VisitorId};
use whence_core::journal::{Block, BlockError};
use whence_core::page_event::{PageEvent, PageEventId, PageEventSource};
use whence_core::wire::{self, Wire, WireError};
use whence_core::workspace::PrivacyMode;

const CLICK_1: &str = "01909eb8e8c0e1828589909cb0d080c1818202fbba8ffa9f3400000461636d65050e676f2e6578616d706c652e636f6d\
    0673756d6d65720c75746d5f736f757263653d78014d0100c1639050074167656e742f311468747470733a2f2f6578616d706c652e6f72672f\
    0564652d444508707265666574636805456d61696c0163017003616461";
const CLICK_2: &str = "02909eb8e8c0e1828589909cb0d080c1818202fbba8ffa9f3408020461636d65050e676f2e6578616d706c652e636f6d\
    0673756d6d65720c75746d5f736f757263653d78014d010120010db8000000000000000000000001074167656e742f311468747470733a2f2f\
    6578616d706c652e6f72672f0564652d444508707265666574636805456d61696c016301700361646104626c756503612c62";
const CLICK_3: &str = "03909eb8e8c0e1828589909cb0d080c1818202fbba8ffa9f3408020461636d65050e676f2e6578616d706c652e636f6d\
    0673756d6d65720c75746d5f736f757263653d78014d010120010db8000000000000000000000001074167656e742f311468747470733a2f2f\
    6578616d706c652e6f72672f0564652d444508707265666574636805456d61696c016301700361646104626c756503612c6202810404610a3f31";
const CONVERSION_1: &str = "010461636d65076f726465722d310105747269616c01070003632d31019e1f455552fbba8ffa9f34c8bd8ffa9f34\
    0280fe03";
const CONVERSION_2: &str = "020461636d65076f726465722d310305747269616c01070003632d31019e1f455552fbba8ffa9f34c8bd8ffa9f34\
    0280fe03076f726465722d30";
const CONFIRMATION_1: &str = "010461636d6507fbba8ffa9f347ac001";
const PAGE_EVENT_1: &str = "010461636d6509010573686172650107014d03632d310c73686f702e6578616d706c65072f696e7669746501050361646105656d61696cfbba8ffa9f34\
    c8bd8ffa9f3401";
/// A block of the two records "first" and "second one", sealed by the first release that had blocks.
const BLOCK_1: &str = "57424c4b0100000095d418055fa10c94010000000000000002000000000000000200000038000000e4d0044300000000150000009f2aaf1401\
    0000000000000066697273740000001a0000002e79c28602000000000000007365636f6e64206f6e65000000000000";

fn click() -> Click<'static> {
    Click {
        id: ClickId(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
        unix_ms: 1_795_284_000_123,
        outcome: Outcome::Redirected,
        method: Method::Get,
        workspace: "acme".into(),
        link: LinkId(5),
        domain: "go.example.com".into(),
        slug: "summer".into(),
        query: "utm_source=x".into(),
        visitor: Some(VisitorId(77)),
        new_visitor: true,
        address: "193.99.144.80".parse().unwrap(),
        user_agent: "Agent/1".into(),
        referrer: "https://example.org/".into(),
        language: "de-DE".into(),
        purpose: "prefetch".into(),
        channel: "Email".into(),
        campaign: "c".into(),
        program: "p".into(),
        advocate: "ada".into(),
        variant: "".into(),
        tags: "".into(),
        privacy: PrivacyMode::Full,
        signs: Signs::default(),
        hints: "".into(),
    }
}

fn conversion() -> Conversion {
    Conversion {
        workspace: "acme".parse().unwrap(),
        event_id: "order-1".into(),
        kind: ConversionKind::Sale,
        name: "trial".into(),
        click: Some(ClickId(7)),
        visitor: None,
        customer: "c-1".into(),
        amount: Some(Money {
            minor: 1999,
            currency: *b"EUR",
        }),
        occurred_ms: 1_795_284_000_123,
        received_ms: 1_795_284_000_456,
        source: ConversionSource::Server,
        body_digest: 0xff00,
        reference: String::new(),
    }
}

#[test]
fn clicks_of_every_version_are_read() {
    assert_eq!(wire::decode::<Click<'_>>(&bytes(CLICK_1)).unwrap(), click());
    let second = Click {
        outcome: Outcome::Inspected,
        method: Method::Post,
        address: "2001:db8::1".parse().unwrap(),
        variant: "blue".into(),
        tags: "a,b".into(),
        ..click()
    };
    assert_eq!(wire::decode::<Click<'_>>(&bytes(CLICK_2)).unwrap(), second);
    let newest = Click {
        privacy: PrivacyMode::CountOnly,
        signs: Signs::KNOWN | Signs::SECURE,
        hints: "a\n?1".into(),
        ..second
    };
    assert_eq!(written(&newest), CLICK_3, "a new shape is a new version");
    assert_eq!(wire::decode::<Click<'_>>(&bytes(CLICK_3)).unwrap(), newest);
}

#[test]
fn conversions_of_every_version_are_read() {
    assert_eq!(
        wire::decode::<Conversion>(&bytes(CONVERSION_1)).unwrap(),
        conversion()
    );
    let newest = Conversion {
        kind: ConversionKind::Cancellation,
        reference: "order-0".into(),
        ..conversion()
    };
    assert_eq!(
        written(&newest),
        CONVERSION_2,
        "a new shape is a new version"
    );
    assert_eq!(
        wire::decode::<Conversion>(&bytes(CONVERSION_2)).unwrap(),
        newest
    );
}

#[test]
fn confirmations_of_every_version_are_read() {
    let newest = Confirmation {
        workspace: "acme".parse().unwrap(),
        click: ClickId(7),
        confirmed_ms: 1_795_284_000_123,
        page_ms: 122,
        marks: Marks::NO_PAGE | Marks::FETCH,
    };
    assert_eq!(
        written(&newest),
        CONFIRMATION_1,
        "a new shape is a new version"
    );
    assert_eq!(
        wire::decode::<Confirmation>(&bytes(CONFIRMATION_1)).unwrap(),
        newest
    );
}

#[test]
fn page_events_of_every_version_are_read() {
    let newest = PageEvent {
        workspace: "acme".parse().unwrap(),
        id: PageEventId(9),
        may_repeat: true,
        name: "share".into(),
        click: Some(ClickId(7)),
        visitor: Some(VisitorId(77)),
        customer: "c-1".into(),
        page_host: "shop.example".into(),
        page_path: "/invite".into(),
        link: Some(LinkId(5)),
        advocate: "ada".into(),
        shared_by: "email".into(),
        occurred_ms: 1_795_284_000_123,
        received_ms: 1_795_284_000_456,
        source: PageEventSource::Server,
    };
    assert_eq!(
        written(&newest),
        PAGE_EVENT_1,
        "a new shape is a new version"
    );
    assert_eq!(
        wire::decode::<PageEvent>(&bytes(PAGE_EVENT_1)).unwrap(),
        newest
    );
}

#[test]
fn blocks_of_every_version_are_read() {
    let block = Block::parse(bytes(BLOCK_1).into()).unwrap();
    let id = block.id();
    assert_eq!((id.first, id.last, block.count()), (1, 2, 2));
    let records: Vec<_> = block.records().collect();
    assert_eq!(records, [(1, &b"first"[..]), (2, b"second one")]);
}

#[test]
fn versions_to_come_are_refused_by_name() {
    for version in [0, 4, 255] {
        let mut bytes = bytes(CLICK_3);
        bytes[0] = version;
        let refused = wire::decode::<Click<'_>>(&bytes).unwrap_err();
        let expected = WireError::Version {
            record: "click",
            found: version,
            oldest: 1,
            newest: 3,
        };
        assert_eq!(refused, expected);
    }
    let mut newer = bytes(BLOCK_1);
    newer[4] = 2;
    let refused = Block::parse(newer.into()).unwrap_err();
    assert_eq!(refused, BlockError::Version { version: 2 });
}

/// What is cut short or goes on too long is no record, of whatever version: what stands for missing fields is never
/// taken for what was cut off.
#[test]
fn a_record_has_one_length() {
    for hex in [CLICK_1, CLICK_2, CLICK_3] {
        let whole = bytes(hex);
        for end in 1..whole.len() {
            let cut = wire::decode::<Click<'_>>(&whole[..end]);
            assert!(
                matches!(cut, Err(WireError::Malformed { .. })),
                "{end}: {cut:?}"
            );
        }
        let longer = [&whole[..], &[0]].concat();
        let refused = wire::decode::<Click<'_>>(&longer);
        assert!(refused.is_err(), "{refused:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(version in 0_u8..5, mut bytes: Vec<u8>) {
        bytes.insert(0, version);
        let _ = wire::decode::<Click<'_>>(&bytes);
        let _ = wire::decode::<Conversion>(&bytes);
        let _ = wire::decode::<Confirmation>(&bytes);
        let _ = wire::decode::<PageEvent>(&bytes);
    }
}

/// A record as this build writes it.
fn written(record: &(impl Wire + Serialize)) -> String {
    let mut bytes = Vec::new();
    wire::encode(record, &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}
