//! A workspace's links, page by page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::view::LinkView;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::{Refusals, store_problem};

/// How many links a page has at most: some 100 KiB.
const MOST: usize = 200;

/// Which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many links at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
    /// Where the last page ended: its `next_cursor`. The newest links where none is given.
    #[param(value_type = Option<String>)]
    cursor: Option<LinkId>,
}

impl Page {
    fn read(mut query: Query) -> Result<Self, Problem> {
        let limit = query.number("limit", 1, MOST);
        let cursor = query.read("cursor", |text| {
            text.parse::<LinkId>()
                .map_err(|error| format!("is no cursor of this list: it {error}"))
        });
        query.finish()?;
        Ok(Self {
            limit: limit.unwrap_or(50),
            cursor,
        })
    }
}

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkList {
    /// The links, newest first.
    links: Vec<LinkView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// Lists the workspace's links, newest first.
#[utoipa::path(
    get, path = "/api/v1/links", tag = "links", params(Page),
    responses((status = 200, body = LinkList), Refusals),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    query: Query,
) -> Result<Json<LinkList>, Problem> {
    let workspace = caller.with(Right::Links)?;
    let page = Page::read(query)?;
    // One more than asked for tells whether there is another page.
    let found = api
        .store
        .links(workspace, page.cursor, page.limit + 1)
        .await;
    let mut links = found.map_err(|e| store_problem(&e))?;
    let more = links.len() > page.limit;
    links.truncate(page.limit);
    let last = links.last().filter(|_| more);
    Ok(Json(LinkList {
        next_cursor: last.map(|link| link.id.to_string()),
        links: links
            .iter()
            .map(|link| LinkView::of(link, &api.config))
            .collect(),
    }))
}
