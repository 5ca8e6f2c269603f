//! `POST /v1/blocks`: one journal block of clicks, as a redirector sealed it.
//!
//! Answered when ClickHouse has it, so that the redirector may forget it. What a block that is refused holds is
//! not lost: the redirector keeps it. 503 and 426 mean that this or another ingest will take it later (ClickHouse is
//! away; an older ingest than the redirector); 400, 413 and 422 that it will be refused whenever it comes.

mod months;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::body;
use whence_core::click::Click;
use whence_core::journal::{Block, BlockError, Seq};
use whence_core::problem::Problem;
use whence_core::wire::{self, Wire, WireError};

use self::months::Months;
use super::{Shared, caller};
use crate::insert::InsertError;
use crate::metrics::{BlockAnswer, Table};
use crate::unreadable::Unreadable;

/// Twice what a shipper puts into a block.
const LONGEST_BODY: usize = 16 << 20;
/// Twice what a shipper puts into a block.
const MOST_RECORDS: u32 = 100_000;
/// What the clicks of a block take beside its body; with this, what `BLOCKS_AT_A_TIME` promises is true.
const _: () = assert!(size_of::<(Seq, Click<'_>)>() * MOST_RECORDS as usize <= 48 << 20);
/// What comes after this is no click's time: the column ends in the year 2299.
const LATEST_MS: u64 = 10_000_000_000_000;

/// Takes a block.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller::redirector(&shared, &headers)?;
    let _turn = shared.block_turns.take().await.inspect_err(|_| {
        shared.metrics.block(BlockAnswer::Delayed);
    })?;
    let wire = body::read(body, LONGEST_BODY, body::PATIENCE).await?;
    let result = take(&shared, wire).await;
    shared.metrics.block(match &result {
        Ok(_) => BlockAnswer::Inserted,
        Err(problem) if problem.status().is_server_error() => BlockAnswer::Delayed,
        Err(problem) if problem.status() == StatusCode::UPGRADE_REQUIRED => BlockAnswer::Newer,
        Err(_) => BlockAnswer::Refused,
    });
    match result {
        Ok(clicks) => {
            shared.metrics.clicks(clicks);
            Ok(StatusCode::OK.into_response())
        }
        Err(problem) if problem.status() == StatusCode::UPGRADE_REQUIRED => {
            let reads = format!("{}/{}", Click::RECORD, Click::VERSION);
            let reads = HeaderValue::try_from(reads).expect("a name and a number");
            Ok(([(header::UPGRADE, reads)], problem).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// Brings a block into ClickHouse; answers how many clicks it had.
async fn take(shared: &Shared, wire: bytes::Bytes) -> Result<usize, Problem> {
    let block = Block::parse(wire).map_err(|error| {
        let status = match error {
            BlockError::Version { .. } => StatusCode::UPGRADE_REQUIRED,
            _ => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, error.to_string())
    })?;
    if block.count() > MOST_RECORDS {
        let detail = format!("a block must have at most {MOST_RECORDS} records");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let mut unreadable = Unreadable::new(&shared.metrics, Table::Clicks, block.id());
    let mut clicks = readable(&block, &mut unreadable)?;
    let named = shared.visitors.name(&shared.known, &mut clicks).await;
    named.map_err(|error| {
        tracing::warn!(block = %block.id(), %error, "a block of clicks is not stored yet");
        Problem::unavailable(error.to_string(), 1)
    })?;
    let workspaces = clicks.iter().map(|(_, click)| &*click.workspace);
    shared.rules.learn(&shared.enricher, workspaces).await;
    let months = Months::of(block.id().lane, &clicks, &shared.enricher);
    let stored = shared.inserts.once(block.id(), &months).await;
    stored.map_err(|error| match error {
        InsertError::Refused { .. } => {
            tracing::error!(block = %block.id(), %error, "a block of clicks is refused");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        }
        InsertError::Unseen(_) => {
            tracing::error!(block = %block.id(), %error, "a block of clicks cannot be stored");
            Problem::unavailable(error.to_string(), 1)
        }
        InsertError::ClickHouse(_)
        | InsertError::Tables(_)
        | InsertError::Window(_)
        | InsertError::Behind(_) => {
            tracing::warn!(block = %block.id(), %error, "a block of clicks is not stored yet");
            Problem::unavailable(error.to_string(), 1)
        }
    })?;
    shared.inserts.note(block.id(), &unreadable).await;
    Ok(clicks.len())
}

/// The clicks of a block. One that is damaged is left out: its number stays missing in its lane. One of a newer
/// version sends the block elsewhere, since those beside it are of that version too.
fn readable<'b>(
    block: &'b Block,
    unreadable: &mut Unreadable<'_>,
) -> Result<Vec<(Seq, Click<'b>)>, Problem> {
    let mut clicks = Vec::with_capacity(block.count() as usize);
    for (seq, payload) in block.records() {
        match wire::decode::<Click<'_>>(payload) {
            Ok(click) if click.unix_ms < LATEST_MS => clicks.push((seq, click)),
            Ok(click) => {
                unreadable.skip(seq, format!("time {} is out of range", click.unix_ms));
            }
            Err(error @ WireError::Version { .. }) => {
                return Err(Problem::new(
                    StatusCode::UPGRADE_REQUIRED,
                    error.to_string(),
                ));
            }
            Err(error) => unreadable.skip(seq, error),
        }
    }
    Ok(clicks)
}
