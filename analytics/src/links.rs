//! Links over HTTP: made, listed, read, changed, deleted.

mod change;
mod create;
mod list;
mod slug;
mod view;

pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, create};
pub(crate) use list::{__path_list, list};

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::link::Link;
use whence_core::problem::Problem;

use crate::api::Api;
use crate::door::Caller;
use crate::fields::NoQuery;
use crate::problems::{Refusals, field, store_problem};
use view::LinkView;

/// Reads a link.
#[utoipa::path(
    get, path = "/api/v1/links/{id}", tag = "links",
    params(("id" = String, Path, description = "The link's id")),
    responses((status = 200, body = LinkView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    _: NoQuery,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let found = api.store.link(workspace, id).await;
    let link = found
        .map_err(|e| store_problem(&e))?
        .ok_or_else(no_such_link)?;
    Ok(answer(StatusCode::OK, &link, &api))
}

/// Deletes a link; its clicks stay in the reports.
#[utoipa::path(
    delete, path = "/api/v1/links/{id}", tag = "links",
    params(("id" = String, Path, description = "The link's id")),
    responses((status = 204, description = "It is gone"), Refusals),
)]
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let workspace = caller.with(Right::Links)?;
    if headers.contains_key(header::IF_MATCH) {
        // The store deletes whatever stands there; to pretend otherwise would lose somebody's change.
        let detail = "is not possible with DELETE";
        return Err(field(StatusCode::BAD_REQUEST, "If-Match", detail));
    }
    let deleted = api.store.delete_link(workspace, id).await;
    if deleted.map_err(|e| store_problem(&e))? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such_link())
    }
}

/// A link as an answer, with its revision as ETag.
fn answer(status: StatusCode, link: &Link, api: &Api) -> Response {
    let etag = [(header::ETAG, format!("\"{}\"", link.revision))];
    (status, etag, Json(LinkView::of(link, &api.config))).into_response()
}

/// The id in a path. A text that is no id names no link, just as an id that nobody has.
pub(crate) struct Id(LinkId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(no_such_link)
    }
}

fn no_such_link() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such link")
}
