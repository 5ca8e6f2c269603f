//! Reads the values that only conversions have: each either fits its field or says in words why it does not.

use serde_json::Value;
use whence_core::conversion::ConversionKind;

use super::currency;
use crate::fields::form::Raw;
use crate::fields::values::text;

/// The largest amount: ten trillion of a currency with cents. More is a mistake, and sums of 9,000 such
/// still fit a 64-bit column.
const LARGEST_AMOUNT: i64 = 1_000_000_000_000_000;

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
