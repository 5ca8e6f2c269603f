//! Changing a link: only what is named changes, and nobody's change is lost under another's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::desk::Desk;
use super::draft::{LinkChange, Patch};
use super::edit::{self, Target, Task};
use super::view::LinkView;
use super::{Id, outcome};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::Refusals;
use crate::revision::Wanted;

/// Changes a link. With `If-Match` only if it is still at that revision.
#[utoipa::path(
    patch, path = "/api/v1/links/{id}", tag = "links", request_body = LinkChange,
    params(
        ("id" = String, Path, description = "The link's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses((status = 200, body = LinkView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let desk = Desk::of(&api, caller.with(Right::Links)?).await?;
    let wanted = Wanted::read(&headers)?;
    let task = Task::Change(Target::Id(id), Patch::new(body.into_object()), wanted);
    let done = edit::one(&api, &desk, task).await?;
    Ok(outcome(done, &api))
}
