//! Reading one link.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use whence_core::key::Right;
use whence_core::link::Link;
use whence_core::problem::Problem;

use super::view::LinkView;
use super::{Id, found};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::NoQuery;
use crate::problems::{Refusals, store_problem};
use crate::revision::etag;

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
    let link = found(api.store.link(workspace, id).await)?;
    in_full(&api, link).await
}

/// A link with its count of clicks, where it has one.
pub(super) async fn in_full(api: &Api, link: Link) -> Result<Response, Problem> {
    let (id, tag) = (link.id, etag(link.revision));
    let is_capped = link.spec.max_clicks.is_some();
    let mut view = LinkView::of(link, &api.config);
    if is_capped {
        let counted = api.store.clicks_counted(id).await;
        view = view.counted(counted.map_err(|e| store_problem(&e))?);
    }
    Ok((tag, Json(view)).into_response())
}
