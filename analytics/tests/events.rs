//! Clicks and conversions as rows, put into ClickHouse as ingest would.

use clickhouse::{Client, Row, RowOwned, RowWrite};
use serde::Serialize;

/// The verdicts a test needs, by their number in the table.
pub(crate) const HUMAN: i8 = 1;
/// A bot.
pub(crate) const BOT: i8 = 2;
/// A person, again.
pub(crate) const DUPLICATE: i8 = 7;

/// The columns of `clicks` that a report can see; the others keep their defaults.
#[derive(Clone, Debug, Row, Serialize)]
pub(crate) struct Click {
    pub(crate) workspace: String,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) click_id: u128,
    pub(crate) lane: u64,
    pub(crate) seq: u64,
    /// 1 redirected, 2 not_found.
    pub(crate) outcome: i8,
    pub(crate) link_id: u64,
    pub(crate) slug: String,
    pub(crate) visitor_id: u128,
    pub(crate) new_visitor: bool,
    pub(crate) country: String,
    pub(crate) device: String,
    pub(crate) browser: String,
    pub(crate) channel: String,
    pub(crate) source: String,
    pub(crate) variant: String,
    pub(crate) tags: Vec<String>,
    pub(crate) program: String,
    pub(crate) advocate: String,
    pub(crate) verdict: i8,
}

impl Click {
    /// Whether it was a person's.
    pub(crate) fn is_a_persons(&self) -> bool {
        [HUMAN, DUPLICATE].contains(&self.verdict)
    }

    /// A human click at this time, by a visitor, with an id out of its time and `unique`.
    pub(crate) fn new(workspace: &str, time: i64, unique: u32, visitor: u128) -> Self {
        Self {
            workspace: workspace.into(),
            time,
            click_id: u128::try_from(time).unwrap() << 80 | u128::from(unique),
            lane: 1,
            seq: unique.into(),
            outcome: 1,
            link_id: 1,
            slug: String::new(),
            visitor_id: visitor,
            new_visitor: false,
            country: String::new(),
            device: String::new(),
            browser: String::new(),
            channel: "Direct".into(),
            source: String::new(),
            variant: String::new(),
            tags: Vec::new(),
            program: String::new(),
            advocate: String::new(),
            verdict: HUMAN,
        }
    }
}

/// The columns of `conversions` that a report can see.
#[derive(Clone, Debug, Row, Serialize)]
pub(crate) struct Conversion {
    pub(crate) workspace: String,
    pub(crate) event_id: String,
    /// 1 lead, 2 sale, 3 refund, 4 cancellation.
    pub(crate) kind: i8,
    pub(crate) click_id: u128,
    pub(crate) visitor_id: u128,
    pub(crate) customer: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    /// Milliseconds since 1970.
    pub(crate) occurred_at: i64,
    /// Milliseconds since 1970.
    pub(crate) received_at: i64,
    /// The event id of the sale that is taken back.
    pub(crate) reference: String,
}

/// A lead, by its number in the table.
pub(crate) const LEAD: i8 = 1;
/// A sale.
pub(crate) const SALE: i8 = 2;
/// A refund, whose amount is negative.
pub(crate) const REFUND: i8 = 3;
/// A cancellation.
pub(crate) const CANCELLATION: i8 = 4;

impl Conversion {
    /// A conversion at this time, of this click, received when it happened.
    pub(crate) fn new(
        workspace: &str,
        event_id: &str,
        kind: i8,
        time: i64,
        click_id: u128,
    ) -> Self {
        Self {
            workspace: workspace.into(),
            event_id: event_id.into(),
            kind,
            click_id,
            visitor_id: 0,
            customer: String::new(),
            amount_minor: 0,
            currency: String::new(),
            occurred_at: time,
            received_at: time,
            reference: String::new(),
        }
    }
}

/// The columns of `page_events` that a report can see.
#[derive(Clone, Debug, Row, Serialize)]
pub(crate) struct PageEvent {
    pub(crate) workspace: String,
    pub(crate) event_id: u128,
    pub(crate) name: String,
    pub(crate) click_id: u128,
    pub(crate) visitor_id: u128,
    pub(crate) customer: String,
    pub(crate) page_host: String,
    pub(crate) page_path: String,
    pub(crate) advocate: String,
    /// Milliseconds since 1970.
    pub(crate) occurred_at: i64,
    /// Milliseconds since 1970.
    pub(crate) received_at: i64,
}

impl PageEvent {
    /// A page seen at this time, received when it happened, of nobody yet.
    pub(crate) fn new(workspace: &str, event_id: u128, time: i64) -> Self {
        Self {
            workspace: workspace.into(),
            event_id,
            name: "page".into(),
            click_id: 0,
            visitor_id: 0,
            customer: String::new(),
            page_host: "shop.example".into(),
            page_path: "/".into(),
            advocate: String::new(),
            occurred_at: time,
            received_at: time,
        }
    }
}

/// Inserts rows in one block. Not validated by the client, which would want every column named.
pub(crate) async fn insert<T: RowOwned + RowWrite>(client: &Client, table: &str, rows: &[T]) {
    if rows.is_empty() {
        return;
    }
    let client = client.clone().with_validation(false);
    let mut insert = client.insert::<T>(table).await.unwrap();
    for row in rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
}
