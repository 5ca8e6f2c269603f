//! What the three ways of a conversion have in common, from the checked fields to the answer.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource};
use whence_core::id::VisitorId;
use whence_core::problem::{FieldProblem, Problem};
use whence_core::workspace::{Workspace, WorkspaceId};

use super::{Shared, caller};
use crate::conversion::check::{Names, Said, check};
use crate::conversion::desk::{AcceptError, Accepted};
use crate::fields::form::Form;
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
    let workspace = workspace(shared, &id).await?;
    let visitor = caller::visitor(shared, &workspace, headers);
    accept(shared, said, id, visitor, source, now_ms).await
}

/// The workspace that a browser names in the field `ws`.
pub(super) async fn workspace(
    shared: &Shared,
    id: &WorkspaceId,
) -> Result<Arc<Workspace>, Problem> {
    let found = shared.known.workspace(id).await.map_err(caller::away)?;
    found.ok_or_else(|| {
        let errors = vec![FieldProblem::new("ws", "is not a known workspace")];
        Problem::fields(StatusCode::NOT_FOUND, errors)
    })
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
    let answer = Answer {
        event_id: said.event_id.clone(),
        kind: said.kind,
        reference: said.reference.clone(),
    };
    let conversion = conversion(said, workspace, visitor, source, now_ms);
    let mut decisions = shared.desk.accept(vec![conversion]).await.into_iter();
    match decisions.next().expect("a decision for each conversion") {
        Ok(Accepted::New) => Ok(Json(answer).into_response()),
        Ok(Accepted::Again) => {
            let mut response = Json(answer).into_response();
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Err(error) => Err(refusal(error, source)),
    }
}

/// A conversion out of what was said.
pub(super) fn conversion(
    said: Said,
    workspace: WorkspaceId,
    visitor: Option<VisitorId>,
    source: ConversionSource,
    now_ms: u64,
) -> Conversion {
    Conversion {
        body_digest: said.digest(),
        occurred_ms: said.happened_ms(now_ms),
        workspace,
        event_id: said.event_id,
        kind: said.kind,
        name: said.name,
        click: said.click,
        visitor,
        customer: said.customer,
        amount: said.amount,
        received_ms: now_ms,
        source,
        reference: said.reference,
    }
}

/// How a conversion that is not accepted is answered.
pub(super) fn refusal(error: AcceptError, source: ConversionSource) -> Problem {
    let told = error.to_string();
    match error {
        AcceptError::Conflict(differing) => {
            let mut errors = vec![FieldProblem::new("event_id", told)];
            // Only to those whose key says that the first is theirs: others could guess at it field by field.
            if source == ConversionSource::Server {
                let differs = |field| FieldProblem::new(field, "is not what it was the first time");
                errors.extend(differing.into_iter().map(differs));
            }
            Problem::fields(StatusCode::CONFLICT, errors)
        }
        AcceptError::Unfit(unfit) => {
            let errors = vec![FieldProblem::new(unfit.field, unfit.detail)];
            Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, errors)
        }
        AcceptError::Full(_) | AcceptError::Broken => {
            // The journal tells once that it is full, and the figures tell how many it turned away.
            tracing::debug!(error = told, "a conversion was turned away");
            Problem::unavailable(told, 5)
        }
    }
}

/// Counts a conversion by its answer.
pub(super) fn count(shared: &Shared, source: ConversionSource, result: &Result<Response, Problem>) {
    let answer = match result {
        Ok(response) if response.headers().contains_key(REPLAYED) => ConversionAnswer::Replayed,
        Ok(_) => ConversionAnswer::Accepted,
        Err(problem) => return count_problem(shared, source, problem),
    };
    shared.metrics.conversion(source, answer);
}

/// Counts a conversion, or a request with many, that was not accepted.
pub(super) fn count_problem(shared: &Shared, source: ConversionSource, problem: &Problem) {
    let answer = match problem.status() {
        StatusCode::CONFLICT => ConversionAnswer::Conflicting,
        status if status.is_server_error() => ConversionAnswer::Unavailable,
        _ => ConversionAnswer::Refused,
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

/// The body of an answer. It says nothing that the sender did not, so that a repeat is answered byte for
/// byte as the first time, whoever answers it and whatever is known then.
#[derive(Serialize)]
struct Answer {
    event_id: String,
    kind: ConversionKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    reference: String,
}
