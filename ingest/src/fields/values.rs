//! Reads single values that more than one kind of event has: each either fits its field or says in words why it does not.

use jiff::Timestamp;
use serde_json::Value;
use whence_core::id::{ClickId, ClickIdKey, IdError};
use whence_core::workspace::{WorkspaceId, WorkspaceIdError};

use super::form::Raw;

/// The longest event id, customer id and name: a UUID or an order number, not a document.
const LONGEST_TEXT: usize = 128;
/// How far a sender's clock may be ahead.
const AHEAD_MS: i64 = 24 * 60 * 60 * 1000;
/// The first of January 2000: what is before is a unit mistaken, seconds for milliseconds.
const EARLIEST_MS: i64 = 946_684_800_000;

/// A text of any length.
pub(crate) fn text(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) | Raw::Json(Value::String(text)) => Ok(text),
        Raw::Json(_) => Err("must be a text".into()),
    }
}

/// The id of a workspace.
pub(crate) fn workspace_id(raw: &Raw) -> Result<WorkspaceId, String> {
    text(raw)?
        .parse()
        .map_err(|e: WorkspaceIdError| e.to_string())
}

/// A text of one line, no longer than an id or a name is.
pub(crate) fn short_text(raw: &Raw) -> Result<String, String> {
    let text = text(raw)?;
    if text.len() > LONGEST_TEXT {
        return Err(format!("must be at most {LONGEST_TEXT} bytes"));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("must not hold the control character {c:?}")),
        None => Ok(text.to_owned()),
    }
}

/// A click, known to be ours.
pub(crate) fn click_id(raw: &Raw, key: &ClickIdKey) -> Result<ClickId, String> {
    let id: ClickId = text(raw)?.parse().map_err(|e: IdError| e.to_string())?;
    key.verify(id).map_err(|e| e.to_string())?;
    Ok(id)
}

/// When something happened, in milliseconds since 1970: neither before computers kept time in years of four digits nor
/// more than a day ahead.
pub(crate) fn moment(raw: &Raw, now_ms: u64) -> Result<u64, String> {
    let example = || "must be a time such as 2026-11-21T18:30:00Z (RFC 3339)".to_owned();
    let moment: Timestamp = text(raw)?.parse().map_err(|_| example())?;
    let ms = moment.as_millisecond();
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    if ms > now_ms.saturating_add(AHEAD_MS) {
        return Err("must not be more than a day in the future".into());
    }
    u64::try_from(ms)
        .ok()
        .filter(|_| ms >= EARLIEST_MS)
        .ok_or_else(|| "must not be before the year 2000".into())
}
