//! What the three ways of a conversion have in common, from the checked fields to the answer.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource};
use whence_core::id::VisitorId;
use whence_core::problem::{FieldProblem, Problem};
use whence_core::workspace::WorkspaceId;

use super::{Shared, caller};
use crate::conversion::check::{Names, Said, check};
use crate::conversion::desk::{AcceptError, Accepted};
use crate::conversion::form::Form;
use crate::conversion::pending::Receipt;
use crate::metrics::ConversionAnswer;

/// The longest conversion: ten times what its fields can hold.
pub(super) const LONGEST_BODY: usize = 64 << 10;
/// Says that the answer is that of an earlier request.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Checks a form.
pub(super) fn said(
    shared: &Shared,
    form: Form,
    names: &Names,
    now_ms: u64,
) -> Result<Said, Problem> {
    check(form, names, &shared.key, now_ms)
        .map_err(|errors| Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, errors))
}

/// Takes what a browser sent: the form names its workspace, and a cookie may name its visitor.
pub(super) async fn from_browser(
    shared: &Shared,
    form: Form,
    names: &Names,
    headers: &HeaderMap,
    source: ConversionSource,
) -> Result<Response, Problem> {
    let now_ms = now_ms();
    let said = said(shared, form, names, now_ms)?;
    let id = said.workspace.clone().expect("the field is required");
    let workspace = shared
        .known
        .workspace(&id)
        .await
        .map_err(caller::away)?
        .ok_or_else(|| {
            let errors = vec![FieldProblem::new("ws", "is not a known workspace")];
            Problem::fields(StatusCode::NOT_FOUND, errors)
        })?;
    let visitor = caller::visitor(shared, &workspace, headers);
    accept(shared, said, id, visitor, source, now_ms).await
}

/// Accepts what was said.
pub(super) async fn accept(
    shared: &Shared,
    said: Said,
    workspace: WorkspaceId,
    visitor: Option<VisitorId>,
    source: ConversionSource,
    now_ms: u64,
) -> Result<Response, Problem> {
    let body_digest = said.digest();
    let event_id = said.event_id.clone();
    let occurred_ms = said.happened_ms(now_ms);
    let conversion = Conversion {
        workspace,
        event_id: said.event_id,
        kind: said.kind,
        name: said.name,
        click: said.click,
        visitor,
        customer: said.customer,
        amount: said.amount,
        occurred_ms,
        received_ms: now_ms,
        source,
        body_digest,
    };
    match shared.desk.accept(conversion).await {
        Ok(Accepted::New(receipt)) => Ok(answer(&event_id, receipt)),
        Ok(Accepted::Again(receipt)) => {
            let mut response = answer(&event_id, receipt);
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Err(error @ AcceptError::Conflict) => {
            let errors = vec![FieldProblem::new("event_id", error)];
            Err(Problem::fields(StatusCode::CONFLICT, errors))
        }
        Err(error @ (AcceptError::Full(_) | AcceptError::Broken)) => {
            // The journal tells once that it is full, and the figures tell how many it turned away.
            tracing::debug!(%error, "a conversion was turned away");
            Err(Problem::unavailable(error.to_string(), 5))
        }
    }
}

/// Counts a conversion by its answer.
pub(super) fn count(shared: &Shared, source: ConversionSource, result: &Result<Response, Problem>) {
    let answer = match result {
        Ok(response) if response.headers().contains_key(REPLAYED) => ConversionAnswer::Replayed,
        Ok(_) => ConversionAnswer::Accepted,
        Err(problem) if problem.status() == StatusCode::CONFLICT => ConversionAnswer::Conflicting,
        Err(problem) if problem.status().is_server_error() => ConversionAnswer::Unavailable,
        Err(_) => ConversionAnswer::Refused,
    };
    shared.metrics.conversion(source, answer);
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The body of an answer; the same again for the same event.
#[derive(Serialize)]
struct Answer<'a> {
    event_id: &'a str,
    kind: ConversionKind,
    received_at: Timestamp,
}

fn answer(event_id: &str, receipt: Receipt) -> Response {
    let received_ms = i64::try_from(receipt.received_ms).unwrap_or(i64::MAX);
    let answer = Answer {
        event_id,
        kind: receipt.kind,
        received_at: Timestamp::from_millisecond(received_ms).unwrap_or(Timestamp::MAX),
    };
    Json(answer).into_response()
}
