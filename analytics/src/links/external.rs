//! Links by the name that they have in their owner's own system.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use whence_core::key::Right;
use whence_core::link::{FieldError, Label};
use whence_core::problem::Problem;

use super::desk::Desk;
use super::draft::{Draft, NewLink};
use super::edit::{self, Target, Task};
use super::view::LinkView;
use super::{found, no_such_link, outcome, read};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field};
use crate::revision::Wanted;

/// The external id in a path.
pub(crate) struct ExternalId(Result<Label, FieldError>);

impl<S: Send + Sync> FromRequestParts<S> for ExternalId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        // What is no text names nothing.
        let Path(text) = text.map_err(|_| no_such_link())?;
        Ok(Self(text.parse()))
    }
}

/// Reads a link by its external id.
#[utoipa::path(
    get, path = "/api/v1/links/external/{external_id}", tag = "links",
    params(("external_id" = String, Path, description = "The link's external id, percent-encoded")),
    responses((status = 200, body = LinkView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn by_external_id(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ExternalId(name): ExternalId,
    _: NoQuery,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let name = name.map_err(|_| no_such_link())?;
    let link = found(api.store.link_by_external_id(workspace, &name).await)?;
    read::in_full(&api, link).await
}

/// Makes the link with this external id, or replaces all that it says. The same twice changes nothing the
/// second time, and of two at once one makes it.
#[utoipa::path(
    put, path = "/api/v1/links/external/{external_id}", tag = "links", request_body = NewLink,
    params(
        ("external_id" = String, Path, description = "The link's external id, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses(
        (status = 200, body = LinkView, description = "It was there", headers(("ETag" = String, description = "The revision"))),
        (status = 201, body = LinkView, description = "It was made", headers(("ETag" = String, description = "The revision"))),
        Refusals,
    ),
)]
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ExternalId(name): ExternalId,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let desk = Desk::of(&api, caller.with(Right::Links)?).await?;
    let wrong = |detail: String| field(StatusCode::UNPROCESSABLE_ENTITY, "external_id", detail);
    let name = name.map_err(|error| wrong(error.to_string()))?;
    let wanted = Wanted::read(&headers)?;
    let mut draft = Draft::read(&desk, body).await?;
    let said = draft.spec.external_id.replace(name.clone());
    if said.is_some_and(|said| said != name) {
        return Err(wrong("must be the one in the path, or left out".into()));
    }
    let task = Task::Put(Target::External(name), draft, wanted);
    let done = edit::one(&api, &desk, task).await?;
    Ok(outcome(done, &api))
}
