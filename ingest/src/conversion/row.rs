//! A conversion as it stands in the table `conversions`. Names and order are the table's.

use clickhouse::Row;
use serde::Serialize;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource, Money};

/// One row; enumerations by their numbers in the table.
#[derive(Debug, Row, Serialize)]
pub(super) struct ConversionRow<'a> {
    pub(super) workspace: &'a str,
    pub(super) event_id: &'a str,
    kind: i8,
    name: &'a str,
    click_id: u128,
    visitor_id: u128,
    customer: &'a str,
    amount_minor: i64,
    currency: &'a str,
    occurred_at: i64,
    pub(super) received_at: i64,
    source: i8,
    body_digest: u128,
    reference: &'a str,
    pub(super) lane: u64,
    pub(super) seq: u64,
}

impl<'a> ConversionRow<'a> {
    /// The row of a conversion, which has the number `seq` in `lane`.
    pub(super) fn new(conversion: &'a Conversion, lane: u64, seq: u64) -> Self {
        Self {
            workspace: conversion.workspace.as_str(),
            event_id: &conversion.event_id,
            kind: kind_number(conversion.kind),
            name: &conversion.name,
            click_id: conversion.click.map_or(0, |click| click.0),
            visitor_id: conversion.visitor.map_or(0, |visitor| visitor.0),
            customer: &conversion.customer,
            amount_minor: amount_in_table(conversion.kind, conversion.amount),
            currency: conversion
                .amount
                .as_ref()
                .map(Money::code)
                .unwrap_or_default(),
            occurred_at: milliseconds(conversion.occurred_ms),
            received_at: milliseconds(conversion.received_ms),
            source: match conversion.source {
                ConversionSource::Pixel => 1,
                ConversionSource::Beacon => 2,
                ConversionSource::Server => 3,
            },
            body_digest: conversion.body_digest,
            reference: &conversion.reference,
            lane,
            seq,
        }
    }
}

/// The table's number for a kind.
fn kind_number(kind: ConversionKind) -> i8 {
    match kind {
        ConversionKind::Lead => 1,
        ConversionKind::Sale => 2,
        ConversionKind::Refund => 3,
        ConversionKind::Cancellation => 4,
    }
}

/// The kind with a number of the table.
pub(super) fn kind_of(number: i8) -> Option<ConversionKind> {
    ConversionKind::ALL
        .into_iter()
        .find(|kind| kind_number(*kind) == number)
}

/// What was given back is negative in the table.
fn amount_in_table(kind: ConversionKind, amount: Option<Money>) -> i64 {
    let minor = amount.map_or(0, |money| money.minor);
    match kind {
        ConversionKind::Refund => -minor,
        ConversionKind::Lead | ConversionKind::Sale | ConversionKind::Cancellation => minor,
    }
}

/// The amount of a row, as it was said.
pub(super) fn amount_said(minor: i64, currency: &str) -> Option<Money> {
    let currency = currency.as_bytes().try_into().ok()?;
    let minor = minor.saturating_abs();
    Some(Money { minor, currency })
}

fn milliseconds(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms).unwrap_or(i64::MAX)
}
