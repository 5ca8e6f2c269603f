//! `POST /v1/conversions/batch`: many conversions from the merchant's server, each with an answer of its own.
//!
//! A bad one spoils no other. Answered when all that were accepted stand in the journal; whoever hears
//! nothing sends the same body again.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use whence_core::body;
use whence_core::conversion::{Conversion, ConversionSource};
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::conversions::NAMES;
use super::told::Told;
use super::{Shared, caller, receive};
use crate::conversion::check::check;
use crate::conversion::desk::{AcceptError, Accepted};
use crate::fields::sheet::{self, Row, SheetError, Writing};
use crate::metrics::ConversionAnswer;

/// The longest body: ten thousand conversions with every field at its longest.
const LONGEST_BODY: usize = 16 << 20;
/// The most conversions in one body.
const MOST_ROWS: usize = 10_000;
/// How many are looked up together: few enough that ClickHouse answers at once.
const AT_A_TIME: usize = 250;

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// In the journal.
    Accepted,
    /// Was accepted before, with the same facts.
    Replayed,
    /// Was accepted before, with other facts.
    Conflict,
    /// Something is wrong with it.
    Invalid,
    /// There is no room for it now: send it again.
    Unavailable,
}

/// What is said of all.
#[derive(Debug, Default, Serialize)]
struct Answer {
    accepted: u64,
    replayed: u64,
    conflicts: u64,
    invalid: u64,
    unavailable: u64,
    results: Vec<Told<Outcome>>,
}

/// Takes a batch.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let result = take(&shared, &headers, body).await;
    if let Err(problem) = &result {
        receive::count_problem(&shared, ConversionSource::Server, problem);
    }
    Ok(Json(result?).into_response())
}

async fn take(shared: &Arc<Shared>, headers: &HeaderMap, body: Body) -> Result<Answer, Problem> {
    let workspace = caller::merchant(shared, headers).await?;
    let writing = writing(headers)?;
    // Whoever waits here has sent nothing yet that would take memory.
    let _turn = shared.batch_turns.take().await?;
    let body = body::read(body, LONGEST_BODY, body::PATIENCE).await?;
    let rows = sheet::rows(&body, writing, MOST_ROWS).map_err(uncut)?;
    drop(body);
    let mut answer = Answer::default();
    let mut rows = rows.into_iter();
    loop {
        let some: Vec<Row> = rows.by_ref().take(AT_A_TIME).collect();
        if some.is_empty() {
            break;
        }
        for told in decide(shared, &workspace, some).await {
            answer.add(shared, told);
        }
    }
    Ok(answer)
}

/// How a body with many events is written.
pub(super) fn writing(headers: &HeaderMap) -> Result<Writing, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    media_type.and_then(Writing::of).ok_or_else(|| {
        let detail = "the body must be application/json, application/jsonl or text/csv";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })
}

/// How a body is answered of which the rows are not known.
pub(super) fn uncut(error: SheetError) -> Problem {
    let status = match error {
        SheetError::TooMany(_) => StatusCode::PAYLOAD_TOO_LARGE,
        SheetError::NoArray(_) | SheetError::Header(_) => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.to_string())
}

/// What becomes of some of them, in their order.
async fn decide(shared: &Shared, workspace: &WorkspaceId, rows: Vec<Row>) -> Vec<Told<Outcome>> {
    let now_ms = receive::now_ms();
    let mut conversions: Vec<Conversion> = Vec::with_capacity(rows.len());
    let mut told: Vec<Told<Outcome>> = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for Row { line, form } in rows {
        let checked = form
            .map_err(|detail| (Some(detail), Vec::new()))
            .and_then(|form| {
                check(form, &NAMES, &shared.key, now_ms).map_err(|errors| (None, errors))
            });
        let (event_id, detail, errors) = match checked {
            Ok(said) => {
                let event_id = said.event_id.clone();
                places.push(told.len());
                let (workspace, source) = (workspace.clone(), ConversionSource::Server);
                conversions.push(receive::conversion(said, workspace, None, source, now_ms));
                (Some(event_id), None, Vec::new())
            }
            Err((detail, errors)) => (None, detail, errors),
        };
        told.push(Told {
            line,
            event_id,
            result: Outcome::Invalid,
            detail,
            errors,
        });
    }
    let decisions = match conversions.is_empty() {
        true => Vec::new(),
        false => shared.desk.accept(conversions).await,
    };
    for (place, decision) in places.into_iter().zip(decisions) {
        told[place].decide(decision);
    }
    told
}

impl Told<Outcome> {
    fn decide(&mut self, decision: Result<Accepted, AcceptError>) {
        self.result = match &decision {
            Ok(Accepted::New) => Outcome::Accepted,
            Ok(Accepted::Again) => Outcome::Replayed,
            Err(AcceptError::Conflict(_)) => Outcome::Conflict,
            Err(AcceptError::Unfit(_)) => Outcome::Invalid,
            Err(AcceptError::Full(_) | AcceptError::Broken) => Outcome::Unavailable,
        };
        if let Err(error) = decision {
            let problem = receive::refusal(error, ConversionSource::Server);
            match problem.errors() {
                [] => self.detail = Some(problem.detail().to_owned()),
                errors => self.errors = errors.to_vec(),
            }
        }
    }
}

impl Answer {
    fn add(&mut self, shared: &Shared, told: Told<Outcome>) {
        let (sum, counted) = match told.result {
            Outcome::Accepted => (&mut self.accepted, ConversionAnswer::Accepted),
            Outcome::Replayed => (&mut self.replayed, ConversionAnswer::Replayed),
            Outcome::Conflict => (&mut self.conflicts, ConversionAnswer::Conflicting),
            Outcome::Invalid => (&mut self.invalid, ConversionAnswer::Refused),
            Outcome::Unavailable => (&mut self.unavailable, ConversionAnswer::Unavailable),
        };
        *sum += 1;
        shared.metrics.conversion(ConversionSource::Server, counted);
        self.results.push(told);
    }
}
