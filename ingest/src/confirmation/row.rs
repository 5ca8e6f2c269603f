//! A confirmation as it stands in the table `confirmations`. Names and order are the table's.

use clickhouse::Row;
use serde::Serialize;
use whence_core::confirmation::Confirmation;

/// One row.
#[derive(Debug, Row, Serialize)]
pub(super) struct ConfirmationRow<'a> {
    workspace: &'a str,
    click_id: u128,
    marks: u16,
    page_ms: u32,
    confirmed_at: i64,
}

impl<'a> ConfirmationRow<'a> {
    /// The row of a confirmation.
    pub(super) fn new(confirmation: &'a Confirmation) -> Self {
        Self {
            workspace: confirmation.workspace.as_str(),
            click_id: confirmation.click.0,
            marks: confirmation.marks.bits(),
            page_ms: confirmation.page_ms,
            confirmed_at: i64::try_from(confirmation.confirmed_ms).unwrap_or(i64::MAX),
        }
    }
}
