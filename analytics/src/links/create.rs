//! Making a link: never over another one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::desk::Desk;
use super::draft::{Draft, NewLink};
use super::edit::{self, Task};
use super::outcome;
use super::view::LinkView;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::Refusals;

/// Makes a link; refuses a domain and slug that are taken.
#[utoipa::path(
    post, path = "/api/v1/links", tag = "links", request_body = NewLink,
    responses((status = 201, body = LinkView, headers(
        ("Location" = String, description = "The link's path in this API"),
        ("ETag" = String, description = "The revision"),
    )), Refusals),
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    body: Body,
) -> Result<Response, Problem> {
    let desk = Desk::of(&api, caller.with(Right::Links)?).await?;
    let task = Task::Create(Draft::read(&desk, body).await?);
    let done = edit::one(&api, &desk, task).await?;
    Ok(outcome(done, &api))
}
