//! Reads single values: each either fits its field or says in words why it does not.

use jiff::Timestamp;
use serde_json::Value;
use whence_core::conversion::ConversionKind;
use whence_core::id::{ClickId, ClickIdKey, IdError};
use whence_core::workspace::{WorkspaceId, WorkspaceIdError};

use super::currency;
use super::form::Raw;

/// The longest event id, customer id and name: a UUID or an order number, not a document.
const LONGEST_TEXT: usize = 128;
/// The largest amount: ten trillion of a currency with cents. More is a mistake, and sums of 9,000 such
/// still fit a 64-bit column.
const LARGEST_AMOUNT: i64 = 1_000_000_000_000_000;
/// How far a sender's clock may be ahead.
const AHEAD_MS: i64 = 24 * 60 * 60 * 1000;
/// The first of January 2000: what is before is a unit mistaken, seconds for milliseconds.
const EARLIEST_MS: i64 = 946_684_800_000;
fn text(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) | Raw::Json(Value::String(text)) => Ok(text),
        Raw::Json(_) => Err("must be a text".into()),
    }
}

pub(super) fn workspace_id(raw: &Raw) -> Result<WorkspaceId, String> {
    text(raw)?
        .parse()
        .map_err(|e: WorkspaceIdError| e.to_string())
}

pub(super) fn short_text(raw: &Raw) -> Result<String, String> {
    let text = text(raw)?;
    if text.len() > LONGEST_TEXT {
        return Err(format!("must be at most {LONGEST_TEXT} bytes"));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("must not hold the control character {c:?}")),
        None => Ok(text.to_owned()),
    }
}

/// A browser's is a lead or a sale: anybody can send it, and nobody may take another's sale back.
pub(super) fn kind(raw: &Raw, is_server: bool) -> Result<ConversionKind, String> {
    let text = text(raw)?;
    let named = ConversionKind::ALL
        .into_iter()
        .find(|kind| kind.name() == text);
    match named {
        Some(kind) if is_server || !kind.takes_back() => Ok(kind),
        _ if is_server => Err("must be lead, sale, refund or cancellation".into()),
        Some(_) => Err("must be lead or sale: only a server may take a sale back".into()),
        None => Err("must be lead or sale".into()),
    }
}

pub(super) fn click_id(raw: &Raw, key: &ClickIdKey) -> Result<ClickId, String> {
    let id: ClickId = text(raw)?.parse().map_err(|e: IdError| e.to_string())?;
    key.verify(id).map_err(|e| e.to_string())?;
    Ok(id)
}

pub(super) fn amount(raw: &Raw) -> Result<i64, String> {
    let whole = match raw {
        Raw::Text(text) => text.parse::<i128>().ok(),
        Raw::Json(Value::Number(number)) => number.as_i128(),
        Raw::Json(_) => None,
    };
    match whole {
        Some(..0) => Err("must not be negative".into()),
        Some(minor) => i64::try_from(minor)
            .ok()
            .filter(|minor| *minor <= LARGEST_AMOUNT)
            .ok_or_else(|| format!("must be at most {LARGEST_AMOUNT}")),
        None => Err(format!(
            "must be a whole number of the currency's smallest unit, 0 to {LARGEST_AMOUNT}"
        )),
    }
}

pub(super) fn currency_code(raw: &Raw) -> Result<[u8; 3], String> {
    currency::code(text(raw)?).ok_or_else(|| "must be an ISO 4217 code such as EUR".into())
}

pub(super) fn moment(raw: &Raw, now_ms: u64) -> Result<u64, String> {
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
