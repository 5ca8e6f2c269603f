//! What takes the place of a person's ids and names once the person is erased.
//!
//! Two kinds. [`StandIns`] are made with a salt of one erasure, which is forgotten with it: nobody can tell afterwards whose
//! they were. [`ErasedEvents`] are made with a key of the installation, so that an event that was erased is known when it is
//! sent again, and does not count a second time.
//!
//! `sql/erasure/` makes the same stand-ins in ClickHouse. What is erased where is not decided here.

use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr};

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::click::Click;
use crate::conversion::Conversion;
use crate::id::{ClickId, ClickIdKey, LinkId, VisitorId};
use crate::page_event::{PageEvent, PageEventId};
use crate::workspace::PrivacyMode;

/// What erased names begin with.
const PREFIX: &str = "erased-";
/// The bits of a click's id behind its time.
const BEHIND_TIME: u32 = 80;
const HOUR_MS: u128 = 3_600_000;

/// The stand-ins of one erasure.
#[derive(Clone)]
pub struct StandIns([u8; 16]);

impl std::fmt::Debug for StandIns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandIns(…)")
    }
}

impl StandIns {
    /// Those of the erasure with this salt.
    #[must_use]
    pub fn new(salt: u128) -> Self {
        Self(salt.to_le_bytes())
    }

    /// What a visitor becomes: the same one for all of their clicks.
    #[must_use]
    pub fn visitor(&self, visitor: VisitorId) -> VisitorId {
        VisitorId(number(&self.0, &[&visitor.0.to_le_bytes()]))
    }

    /// What a click becomes. Its hour stays, since reports find its row by it; its signature does not, so that nobody
    /// can name it any more.
    #[must_use]
    pub fn click(&self, click: ClickId) -> ClickId {
        let ms = click.0 >> BEHIND_TIME;
        let hour = ms / HOUR_MS * HOUR_MS;
        let hash = number(&self.0, &[&click.0.to_le_bytes()]);
        ClickId(hour << BEHIND_TIME | hash >> (128 - BEHIND_TIME))
    }

    /// What a customer becomes: the same name for all of their conversions.
    #[must_use]
    pub fn customer(&self, customer: &str) -> String {
        match customer {
            "" => String::new(),
            customer => name(&self.0, &[customer.as_bytes()]),
        }
    }

    /// A click that nobody can be known by.
    #[must_use]
    pub fn of_click<'a>(&self, click: &Click<'a>) -> Click<'a> {
        let slug = match click.link {
            // What was asked for in vain may be anything.
            LinkId(0) => "".into(),
            _ => click.slug.clone(),
        };
        Click {
            id: self.click(click.id),
            visitor: click.visitor.map(|visitor| self.visitor(visitor)),
            privacy: PrivacyMode::CountOnly,
            slug,
            query: "".into(),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            user_agent: "".into(),
            referrer: "".into(),
            language: "".into(),
            hints: "".into(),
            ..click.clone()
        }
    }

    /// A conversion that nobody can be known by.
    #[must_use]
    pub fn of_conversion(&self, conversion: &Conversion, events: &ErasedEvents) -> Conversion {
        let event = |id: &str| match id {
            "" => String::new(),
            id => events.name(conversion.workspace.as_str(), id),
        };
        Conversion {
            event_id: event(&conversion.event_id),
            reference: event(&conversion.reference),
            customer: self.customer(&conversion.customer),
            body_digest: NO_DIGEST,
            ..self.of_others(conversion)
        }
    }

    /// Another person's conversion, which names an erased one's visitor or click: it follows the ids that these have now.
    #[must_use]
    pub fn of_others(&self, conversion: &Conversion) -> Conversion {
        Conversion {
            click: conversion.click.map(|click| self.click(click)),
            visitor: conversion.visitor.map(|visitor| self.visitor(visitor)),
            ..conversion.clone()
        }
    }
}

impl StandIns {
    /// A page event that nobody can be known by. Of the page only its host stays: a path may hold a name. An advocate who is
    /// the person, as `is_theirs` says of a customer's name, is called as the person is.
    #[must_use]
    pub fn of_page_event(
        &self,
        event: &PageEvent,
        events: &ErasedEvents,
        is_theirs: impl Fn(&str) -> bool,
    ) -> PageEvent {
        let advocate = match is_theirs(&event.advocate) {
            true => self.customer(&event.advocate),
            false => event.advocate.clone(),
        };
        PageEvent {
            id: events.page_event(event.workspace.as_str(), event.id),
            customer: self.customer(&event.customer),
            page_path: String::new(),
            advocate,
            ..self.of_others_page_event(event)
        }
    }

    /// Another person's page event, which names an erased one's visitor or click.
    #[must_use]
    pub fn of_others_page_event(&self, event: &PageEvent) -> PageEvent {
        PageEvent {
            click: event.click.map(|click| self.click(click)),
            visitor: event.visitor.map(|visitor| self.visitor(visitor)),
            ..event.clone()
        }
    }
}

/// The digest of a conversion of which nobody knows any more what was said.
pub const NO_DIGEST: u128 = 0;

/// The names of events that were erased.
#[derive(Clone)]
pub struct ErasedEvents([u8; 16]);

impl std::fmt::Debug for ErasedEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ErasedEvents(…)")
    }
}

impl ErasedEvents {
    /// Those of an installation.
    #[must_use]
    pub fn of(key: &ClickIdKey) -> Self {
        Self(key.derive("names of erased events"))
    }

    /// What an event of a workspace is called once it is erased. What has such a name already keeps it.
    #[must_use]
    pub fn name(&self, workspace: &str, event_id: &str) -> String {
        if is_erased(event_id) {
            return event_id.to_owned();
        }
        // No workspace's id holds a zero byte.
        name(&self.0, &[workspace.as_bytes(), b"\0", event_id.as_bytes()])
    }
}

impl ErasedEvents {
    /// What a page event of a workspace is called once it is erased.
    #[must_use]
    pub fn page_event(&self, workspace: &str, id: PageEventId) -> PageEventId {
        // No workspace's id holds a zero byte, and the names of conversions hold none at this place.
        let parts: [&[u8]; 3] = [workspace.as_bytes(), b"\0\0", &id.0.to_le_bytes()];
        PageEventId(number(&self.0, &parts))
    }
}

/// Whether a name is one that is given to what was erased.
#[must_use]
pub fn is_erased(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == 32
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hash(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = SipHasher24::new_with_key(key);
    parts.iter().for_each(|part| hasher.write(part));
    hasher.finish128().as_bytes()
}

fn number(key: &[u8; 16], parts: &[&[u8]]) -> u128 {
    u128::from_le_bytes(hash(key, parts))
}

fn name(key: &[u8; 16], parts: &[&[u8]]) -> String {
    let hash = hash(key, parts);
    hash.iter()
        .fold(PREFIX.to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_click_keeps_its_hour_and_nothing_else(salt: u128, ms in 0_u64..1 << 48, rest: u128) {
            let id = ClickId(u128::from(ms) << 80 | rest >> 48);
            let erased = StandIns::new(salt).click(id);
            prop_assert_eq!(erased.unix_ms(), ms / 3_600_000 * 3_600_000);
            prop_assert_ne!(erased.0 as u64, id.0 as u64);
            prop_assert_ne!(erased, StandIns::new(!salt).click(id));
        }

        #[test]
        fn names_fit_their_fields_and_are_known(salt: u128, text in ".{1,40}", key: [u8; 16]) {
            let events = ErasedEvents::of(&ClickIdKey::new(key));
            let name = events.name("acme", &text);
            prop_assert!(is_erased(&name) && !is_erased(&text) && name.len() <= 128);
            prop_assert_eq!(events.name("acme", &name), name.clone(), "once");
            prop_assert_ne!(events.name("acm", &text), name);
            prop_assert!(is_erased(&StandIns::new(salt).customer(&text)));
        }
    }

    #[test]
    fn what_is_not_there_stays_away() {
        let stand_ins = StandIns::new(7);
        assert_eq!(stand_ins.customer(""), "");
        assert_eq!(format!("{stand_ins:?}"), "StandIns(…)");
    }
}
