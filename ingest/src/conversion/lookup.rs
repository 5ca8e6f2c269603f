//! Asks ClickHouse for events that are no longer pending, and for what takes sales back.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use clickhouse::{Client, Row};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use whence_core::erased::ErasedEvents;
use whence_core::id::ClickId;
use whence_core::workspace::WorkspaceId;

use super::receipt::{EventKey, Facts, Receipt};
use super::refund;
use super::row::{amount_said, kind_of};

const EVENTS: &str = include_str!("../../../sql/lookups/conversions_by_event.sql");
const REFUNDS: &str = include_str!("../../../sql/lookups/refunds_of_sales.sql");

/// How long conversions wait to learn whether they are repeats, their turn included. A look-up takes
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many bytes of names one question has: it stands in a URL, every byte as three at worst, and a URL
/// has 64 KiB at most.
const NAMES_AT_A_TIME: usize = 16 << 10;

/// ClickHouse did not say.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    /// It refused or is away.
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    /// It takes too long.
    #[error("ClickHouse gave no answer in {} s", PATIENCE.as_secs())]
    Slow,
    /// It gave none a moment ago.
    #[error("ClickHouse gave no answer a moment ago")]
    Away,
    /// A newer Whence has written a kind that this one does not know.
    #[error("ClickHouse has the event as kind {0}, which this version does not know")]
    Kind(i8),
}

#[derive(Row, Deserialize)]
struct Stored {
    event_id: String,
    kind: i8,
    name: String,
    click_id: u128,
    customer: String,
    amount_minor: i64,
    currency: String,
    reference: String,
    body_digest: u128,
    by_server: bool,
}

impl Stored {
    fn receipt(&self) -> Result<Receipt, LookupError> {
        Ok(Receipt::new(Facts {
            kind: kind_of(self.kind).ok_or(LookupError::Kind(self.kind))?,
            name: &self.name,
            click: (self.click_id != 0).then_some(ClickId(self.click_id)),
            customer: &self.customer,
            amount: amount_said(self.amount_minor, &self.currency),
            reference: &self.reference,
            body_digest: self.body_digest,
            by_server: self.by_server,
        }))
    }
}

/// What ClickHouse has.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Of the events that were asked for.
    pub(super) events: HashMap<EventKey, Receipt>,
    /// Of the sales that were asked for, what takes them back.
    pub(super) refunds: HashMap<EventKey, Vec<(EventKey, Receipt)>>,
    /// Of the events that were asked for, those that stand there without their names.
    pub(super) erased: HashSet<EventKey>,
}

/// Asks for events and for what takes sales back.
pub(super) async fn ask(
    client: &Client,
    turns: &Semaphore,
    workspace: &WorkspaceId,
    erased: &ErasedEvents,
    events: &[&str],
    sales: &[&str],
) -> Result<Found, LookupError> {
    // Each may stand there under the name that it got when its customer was erased.
    let names_of = |names: &[&str]| -> HashMap<String, EventKey> {
        let known = names.iter().map(|name| (*name).to_owned());
        let stand_ins = names
            .iter()
            .map(|name| erased.name(workspace.as_str(), name));
        let keys = names.iter().map(|name| EventKey::new(workspace, name));
        known.zip(keys.clone()).chain(stand_ins.zip(keys)).collect()
    };
    let (event_names, sale_names) = (names_of(events), names_of(sales));
    let events: Vec<&str> = event_names.keys().map(String::as_str).collect();
    let sales: Vec<&str> = sale_names.keys().map(String::as_str).collect();
    let ask = async {
        // Nobody closes it.
        let _turn = turns.acquire().await;
        let mut found = Found::default();
        for names in questions(&events) {
            let query = client.query(EVENTS).param("events", names);
            for row in stored(query, workspace).await? {
                let named = EventKey::new(workspace, &row.event_id);
                let key = event_names.get(&row.event_id).copied().unwrap_or(named);
                if key != named {
                    found.erased.insert(key);
                }
                found.events.insert(key, row.receipt()?);
            }
        }
        for names in questions(&sales) {
            let query = client.query(REFUNDS).param("sales", names);
            for row in stored(query.param("most", refund::MOST as u32), workspace).await? {
                let sale = sale_names.get(&row.reference).copied();
                let sale = sale.unwrap_or_else(|| EventKey::new(workspace, &row.reference));
                let refunds = found.refunds.entry(sale);
                let key = EventKey::new(workspace, &row.event_id);
                refunds.or_default().push((key, row.receipt()?));
            }
        }
        Ok(found)
    };
    timeout(PATIENCE, ask)
        .await
        .map_err(|_| LookupError::Slow)?
}

async fn stored(
    query: clickhouse::query::Query,
    workspace: &WorkspaceId,
) -> Result<Vec<Stored>, LookupError> {
    let query = query.param("workspace", workspace.as_str());
    Ok(query.fetch_all().await?)
}

/// The names in as many questions as they need.
fn questions<'n>(mut names: &'n [&'n str]) -> impl Iterator<Item = &'n [&'n str]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fit = names.iter().take_while(|name| {
            // With its quotes and its comma.
            bytes += name.len() + 3;
            bytes <= NAMES_AT_A_TIME
        });
        let count = fit.count().max(1).min(names.len());
        let (now, later) = names.split_at(count);
        names = later;
        (!now.is_empty()).then_some(now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_asked_for_once_and_no_question_is_too_long() {
        let names: Vec<String> = (0..1000)
            .map(|n| format!("{n}{}", "x".repeat(n % 125)))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let asked: Vec<&[&str]> = questions(&names).collect();
        assert_eq!(asked.concat(), names);
        assert!(asked.len() > 1);
        for question in asked {
            let bytes: usize = question.iter().map(|name| name.len() + 3).sum();
            assert!(bytes <= NAMES_AT_A_TIME);
        }
        assert_eq!(questions(&[]).count(), 0);
    }
}
