//! `POST /v1/blocks`: one journal block of clicks, as a redirector sealed it.
//!
//! Answered when ClickHouse has it, so that the redirector may forget it. What a block that cannot be
//! read holds is not lost: the redirector keeps it, and says so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use whence_core::body;
use whence_core::click::Click;
use whence_core::journal::{Block, BlockError, Seq};
use whence_core::problem::Problem;
use whence_core::wire::{self, WireError};

use super::{Shared, caller, receive};
use crate::enrich::ClickRow;
use crate::insert::InsertError;
use crate::metrics::{BlockAnswer, Table};

/// Twice what a shipper puts into a block.
const LONGEST_BODY: usize = 16 << 20;
/// What comes after this is no click's time: the column ends in the year 2299.
const LATEST_MS: u64 = 10_000_000_000_000;
/// A block whose newest click is older than this has been waiting, or is sent again: ClickHouse may have
/// it and no longer remember its token, which takes hours.
const LATE_MS: u64 = 60_000;

/// Takes a block.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller::redirector(&shared, &headers)?;
    // Whoever waits here has sent nothing yet that would take memory.
    let _room = shared.blocks.acquire().await;
    let wire = body::read(body, LONGEST_BODY, body::PATIENCE).await?;
    let result = take(&shared, wire).await;
    shared.metrics.block(match &result {
        Ok(_) => BlockAnswer::Inserted,
        Err(problem) if problem.status().is_server_error() => BlockAnswer::Delayed,
        Err(_) => BlockAnswer::Refused,
    });
    let clicks = result?;
    shared.metrics.clicks(clicks);
    Ok(StatusCode::OK.into_response())
}

/// Brings a block into ClickHouse; answers how many clicks it had.
async fn take(shared: &Shared, wire: bytes::Bytes) -> Result<usize, Problem> {
    let block = Block::parse(wire).map_err(|error| {
        let status = match error {
            BlockError::Version { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, error.to_string())
    })?;
    let clicks = readable(shared, &block)?;
    let delayed = |error: InsertError| {
        tracing::warn!(block = %block.id(), %error, "a block of clicks is not stored yet");
        Problem::unavailable(error.to_string(), 1)
    };
    if let Some(ends) = ends_if_late(&clicks, receive::now_ms())
        && shared
            .inserts
            .has_clicks(block.id(), ends)
            .await
            .map_err(delayed)?
    {
        return Ok(clicks.len());
    }
    let lane = block.id().lane.get();
    let rows = clicks
        .iter()
        .map(|(seq, click)| shared.enricher.enrich(click, lane, *seq));
    let inserting =
        shared
            .inserts
            .insert::<ClickRow<'_>>(Table::Clicks, block.id(), Box::new(rows));
    inserting.await.map_err(delayed)?;
    Ok(clicks.len())
}

/// The earliest and the latest click of a block that is late.
fn ends_if_late<'c, 'b>(
    clicks: &'c [(Seq, Click<'b>)],
    now_ms: u64,
) -> Option<[&'c (Seq, Click<'b>); 2]> {
    let time = |(_, click): &&(Seq, Click<'_>)| click.unix_ms;
    let (first, last) = (
        clicks.iter().min_by_key(time)?,
        clicks.iter().max_by_key(time)?,
    );
    (last.1.unix_ms.saturating_add(LATE_MS) < now_ms).then_some([first, last])
}

/// The clicks of a block. One that is damaged is left out, told and counted: its number stays missing in
/// its lane. One of another version refuses the block, since those beside it are of that version too.
fn readable<'b>(shared: &Shared, block: &'b Block) -> Result<Vec<(Seq, Click<'b>)>, Problem> {
    let mut clicks = Vec::with_capacity(block.count() as usize);
    for (seq, payload) in block.records() {
        match wire::decode::<Click<'_>>(payload) {
            Ok(click) if click.unix_ms < LATEST_MS => clicks.push((seq, click)),
            Ok(click) => skip(
                shared,
                block,
                seq,
                &format!("time {} is out of range", click.unix_ms),
            ),
            Err(error @ WireError::Version { .. }) => {
                return Err(Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    error.to_string(),
                ));
            }
            Err(error) => skip(shared, block, seq, &error.to_string()),
        }
    }
    Ok(clicks)
}

fn skip(shared: &Shared, block: &Block, seq: Seq, reason: &str) {
    shared.metrics.record_skipped(Table::Clicks);
    tracing::error!(lane = %block.id().lane, seq, reason, "a click cannot be read");
}
