//! A conversion as it was accepted: a lead or a sale, and what ties it to a click and a customer; or what
//! takes a sale back.

use serde::{Deserialize, Serialize};

use crate::id::{ClickId, VisitorId};
use crate::wire::Wire;
use crate::workspace::WorkspaceId;

/// What the visitor did for the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversionKind {
    /// Became known: signed up, asked for a quote, left an address.
    Lead,
    /// Paid.
    Sale,
    /// Got money of a sale back, some or all of it.
    Refund,
    /// Took a sale back as a whole.
    Cancellation,
}

impl ConversionKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Lead, Self::Sale, Self::Refund, Self::Cancellation];

    /// Its name, in the API and in ClickHouse.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Cancellation => "cancellation",
        }
    }

    /// Whether it takes back what another conversion said, and so must name it.
    #[must_use]
    pub fn takes_back(self) -> bool {
        matches!(self, Self::Refund | Self::Cancellation)
    }
}

/// How the conversion reached us, which says how far it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversionSource {
    /// `GET /p.gif` from a browser: anybody can send it.
    Pixel,
    /// `POST /v1/events` from a browser: anybody can send it.
    Beacon,
    /// `POST /v1/conversions` with an API key: the merchant's word.
    Server,
}

/// Money in the currency's smallest unit, so that no sum is ever rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units (cents, yen, fils), never negative here: a refund says what was given back.
    pub minor: i64,
    /// ISO 4217 code, three capitals.
    pub currency: [u8; 3],
}

impl Money {
    /// The currency's code as text.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.currency).expect("a currency is checked to be three capitals")
    }
}

/// One accepted conversion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversion {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The sender's name for this event; the same name counts once, for good.
    pub event_id: String,
    /// What happened.
    pub kind: ConversionKind,
    /// The sender's own name for the event, such as `trial_started`; may be empty.
    pub name: String,
    /// The click that led here, verified to be ours.
    pub click: Option<ClickId>,
    /// The visitor by cookie, where the request carried one.
    pub visitor: Option<VisitorId>,
    /// The merchant's own id of the customer; may be empty.
    pub customer: String,
    /// What it was worth, or what a refund gave back.
    pub amount: Option<Money>,
    /// When it happened, by the sender's word or else on arrival, in milliseconds since 1970.
    pub occurred_ms: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub received_ms: u64,
    /// How it came.
    pub source: ConversionSource,
    /// SHA-256 of what the sender said, cut to 128 bits: tells a repeat from a contradiction.
    pub body_digest: u128,
    /// The event id of the sale that a refund or a cancellation takes back; empty for others.
    pub reference: String,
}

impl Wire for Conversion {
    const RECORD: &'static str = "conversion";
    const VERSION: u8 = 2;
    // Version 1 had no reference.
    const LACKING: &'static [&'static [u8]] = &[&[0]];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire;

    proptest! {
        #[test]
        fn a_conversion_survives_the_wire(
            event_id in ".{1,40}", click: Option<u128>, minor in 0..i64::MAX, ms: u64, digest: u128,
        ) {
            let conversion = Conversion {
                workspace: "acme".parse().unwrap(),
                event_id,
                kind: ConversionKind::Sale,
                name: String::new(),
                click: click.map(ClickId),
                visitor: None,
                customer: "c-1".into(),
                amount: Some(Money { minor, currency: *b"EUR" }),
                occurred_ms: ms,
                received_ms: ms,
                source: ConversionSource::Server,
                body_digest: digest,
                reference: "o-1".into(),
            };
            let mut bytes = Vec::new();
            wire::encode(&conversion, &mut bytes);
            prop_assert_eq!(wire::decode::<Conversion>(&bytes).unwrap(), conversion);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(mut bytes: Vec<u8>) {
            bytes.insert(0, 1);
            let _ = wire::decode::<Conversion>(&bytes);
        }
    }
}
