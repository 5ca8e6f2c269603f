//! A page event as it stands in the table `page_events`. Names and order are the table's.

use clickhouse::Row;
use serde::Serialize;
use whence_core::page_event::{PageEvent, PageEventSource};

/// One row; the source by its number in the table.
#[derive(Debug, Row, Serialize)]
pub(super) struct PageEventRow<'a> {
    workspace: &'a str,
    event_id: u128,
    name: &'a str,
    click_id: u128,
    visitor_id: u128,
    customer: &'a str,
    page_host: &'a str,
    page_path: &'a str,
    link_id: u64,
    advocate: &'a str,
    shared_by: &'a str,
    occurred_at: i64,
    received_at: i64,
    source: i8,
    lane: u64,
    seq: u64,
}

impl<'a> PageEventRow<'a> {
    /// The row of an event, which has the number `seq` in `lane`.
    pub(super) fn new(event: &'a PageEvent, lane: u64, seq: u64) -> Self {
        Self {
            workspace: event.workspace.as_str(),
            event_id: event.id.0,
            name: &event.name,
            click_id: event.click.map_or(0, |click| click.0),
            visitor_id: event.visitor.map_or(0, |visitor| visitor.0),
            customer: &event.customer,
            page_host: &event.page_host,
            page_path: &event.page_path,
            link_id: event.link.map_or(0, |link| link.0),
            advocate: &event.advocate,
            shared_by: &event.shared_by,
            occurred_at: milliseconds(event.occurred_ms),
            received_at: milliseconds(event.received_ms),
            source: match event.source {
                PageEventSource::Beacon => 2,
                PageEventSource::Server => 3,
            },
            lane,
            seq,
        }
    }
}

fn milliseconds(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms).unwrap_or(i64::MAX)
}
