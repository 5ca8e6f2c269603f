//! Deleting a link.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::desk::Desk;
use super::edit::{self, Target, Task};
use super::{Id, outcome};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::NoQuery;
use crate::problems::Refusals;
use crate::revision::Wanted;

/// Deletes a link; its clicks stay in the reports. With `If-Match` only if it is still at that revision.
#[utoipa::path(
    delete, path = "/api/v1/links/{id}", tag = "links",
    params(
        ("id" = String, Path, description = "The link's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses((status = 204, description = "It is gone"), Refusals),
)]
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let desk = Desk::of(&api, caller.with(Right::Links)?).await?;
    let task = Task::Delete(Target::Id(id), Wanted::read(&headers)?);
    let done = edit::one(&api, &desk, task).await?;
    Ok(outcome(done, &api))
}
