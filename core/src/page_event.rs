//! A page event: what somebody did on a merchant's site besides converting. A page seen, a link shared, any step that a
//! funnel asks for.
//!
//! Whose it is, is said by the click that it carries, the visitor of a cookie or the merchant's own name for the customer; at
//! least one of them is there.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{ClickId, LinkId, VisitorId, fill_random};
use crate::wire::Wire;
use crate::workspace::WorkspaceId;

/// The name of a page that was seen.
pub const PAGE: &str = "page";
/// The name of a link that was shared.
pub const SHARE: &str = "share";

/// Whose word a page event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageEventSource {
    /// A page's script: anybody can send it.
    Beacon,
    /// A server with an API key: the merchant's word.
    Server,
}

/// An event's name in 128 bits: the beginning of the SHA-256 of the id that its sender gave it, or random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageEventId(pub u128);

impl PageEventId {
    /// That of an event whose sender calls it so.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(name).into();
        Self(u128::from_be_bytes(
            hash[..16].try_into().expect("half of 32 bytes"),
        ))
    }

    /// One that no other event has.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        fill_random(&mut bytes);
        Self(u128::from_be_bytes(bytes))
    }
}

/// One page event, as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvent {
    /// Whose site it happened on.
    pub workspace: WorkspaceId,
    /// Which event it is: the same one sent again counts once.
    pub id: PageEventId,
    /// Whether the sender gave the id, so that the event may be sent again.
    pub may_repeat: bool,
    /// What happened: [`PAGE`], [`SHARE`], or whatever the site calls it.
    pub name: String,
    /// The click that led here, verified to be ours.
    pub click: Option<ClickId>,
    /// The visitor by cookie, where the request carried one.
    pub visitor: Option<VisitorId>,
    /// The merchant's own id of the customer; may be empty.
    pub customer: String,
    /// The page's host; may be empty.
    pub page_host: String,
    /// The page's path, without its query; may be empty.
    pub page_path: String,
    /// Of a share: the link that was shared, where it is known.
    pub link: Option<LinkId>,
    /// Of a share: for whom it counts, by the merchant's own name; may be empty.
    pub advocate: String,
    /// Of a share: by what it was shared, such as `whatsapp` or `email`; may be empty.
    pub shared_by: String,
    /// When it happened, by a server's word or else on arrival, in milliseconds since 1970.
    pub occurred_ms: u64,
    /// When it was taken, in milliseconds since 1970.
    pub received_ms: u64,
    /// Whose word it is.
    pub source: PageEventSource,
}

impl Wire for PageEvent {
    const RECORD: &'static str = "page event";
    const VERSION: u8 = 1;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire;

    proptest! {
        #[test]
        fn a_page_event_survives_the_wire(
            id: u128, may_repeat: bool, click: Option<u128>, visitor: Option<u128>, link: Option<u64>, ms: u64,
            texts in prop::array::uniform6(".{0,40}"),
        ) {
            let [name, customer, page_host, page_path, advocate, shared_by] = texts;
            let event = PageEvent {
                workspace: "acme".parse().unwrap(),
                id: PageEventId(id),
                may_repeat,
                name,
                click: click.map(ClickId),
                visitor: visitor.map(VisitorId),
                customer,
                page_host,
                page_path,
                link: link.map(LinkId),
                advocate,
                shared_by,
                occurred_ms: ms,
                received_ms: ms,
                source: PageEventSource::Server,
            };
            let mut bytes = Vec::new();
            wire::encode(&event, &mut bytes);
            prop_assert_eq!(wire::decode::<PageEvent>(&bytes).unwrap(), event);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(mut bytes: Vec<u8>) {
            bytes.insert(0, 1);
            let _ = wire::decode::<PageEvent>(&bytes);
        }
    }

    #[test]
    fn an_id_is_a_digest_of_its_name() {
        // echo -n order-1 | sha256sum
        let id = PageEventId::of("order-1");
        assert_eq!(id, PageEventId(0x0baf_e221_56d2_698c_143b_8604_0446_d366));
        assert_ne!(PageEventId::random(), PageEventId::random());
    }
}
