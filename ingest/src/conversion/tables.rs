//! The conversions of a block in their three tables, in the order in which one vouches for the others.
//!
//! `conversions` and `refunds` replace what they have already, so they need no token, and nobody has to know whether they
//! have a row. Behind them come the numbers, under the block's token: where they are, all is.

use std::collections::BTreeSet;

use clickhouse::Row;
use serde::Serialize;
use whence_core::conversion::Conversion;
use whence_core::journal::{BlockId, Seq};

use super::row::ConversionRow;
use crate::insert::{InsertError, Inserts};
use crate::metrics::Table;
use crate::once::{Part, Parts};

const NUMBERS_OF_BLOCK: &str = include_str!("../../../sql/lookups/numbers_of_block.sql");

/// The table of numbers has no partitions.
const ALL: Part = 0;

/// A row of `refunds`: what takes a sale back.
#[derive(Debug, Row, Serialize)]
struct RefundRow<'a> {
    workspace: &'a str,
    reference: &'a str,
    event_id: &'a str,
}

/// A row of `conversion_numbers`.
#[derive(Debug, Row, Serialize)]
struct NumberRow<'a> {
    workspace: &'a str,
    event_id: &'a str,
    lane: u64,
    seq: u64,
    received_at: i64,
}

/// The conversions of a block.
pub(super) struct BlockRows<'b> {
    block: BlockId,
    conversions: &'b [(Seq, Conversion)],
}

impl<'b> BlockRows<'b> {
    /// The conversions that could be read of a block.
    pub(super) fn of(block: BlockId, conversions: &'b [(Seq, Conversion)]) -> Self {
        Self { block, conversions }
    }

    fn rows(&self) -> impl Iterator<Item = ConversionRow<'b>> {
        let lane = self.block.lane.get();
        let rows = self.conversions.iter();
        rows.map(move |(seq, conversion)| ConversionRow::new(conversion, lane, *seq))
    }
}

impl Parts for BlockRows<'_> {
    const COUNTED: Table = Table::Conversions;
    const TABLE: &'static str = "conversion_numbers";

    async fn absent(&self, inserts: &Inserts) -> Result<BTreeSet<Part>, InsertError> {
        if self.conversions.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found = inserts.look::<u64>(NUMBERS_OF_BLOCK, |query| {
            query
                .param("lane", self.block.lane.get())
                .param("first", self.block.first)
                .param("last", self.block.last)
        });
        let is_absent = found.await?.iter().all(|count| *count == 0);
        Ok(is_absent.then_some(ALL).into_iter().collect())
    }

    async fn insert(
        &self,
        inserts: &Inserts,
        token: String,
        _: &BTreeSet<Part>,
    ) -> Result<(), InsertError> {
        let numbers = || self.conversions.iter().map(|(seq, _)| *seq);
        let table = Table::Conversions.name();
        inserts
            .insert::<ConversionRow<'_>>(table, None, Box::new(self.rows()), numbers())
            .await?;
        let refunds = || {
            let all = self.conversions.iter();
            all.filter(|(_, conversion)| !conversion.reference.is_empty())
        };
        if refunds().next().is_some() {
            let rows = refunds().map(|(_, conversion)| RefundRow {
                workspace: conversion.workspace.as_str(),
                reference: &conversion.reference,
                event_id: &conversion.event_id,
            });
            let numbers = refunds().map(|(seq, _)| *seq);
            inserts
                .insert::<RefundRow<'_>>("refunds", None, Box::new(rows), numbers)
                .await?;
        }
        let rows = self.rows().map(|row| NumberRow {
            workspace: row.workspace,
            event_id: row.event_id,
            lane: row.lane,
            seq: row.seq,
            received_at: row.received_at,
        });
        inserts
            .insert::<NumberRow<'_>>(Self::TABLE, Some(token), Box::new(rows), numbers())
            .await
    }
}
