//! A workspace's links, page by page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::filter::{Archived, Filter};
use super::view::LinkView;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::{Refusals, store_problem};

/// How many links a page has at most: some 100 KiB.
const MOST: usize = 200;
/// How many links are looked at for a page at most: some 100 ms. A page may so be short, or empty, and the
/// list go on.
const LOOKED_AT: usize = 10_000;
/// How many are read from the store at a time: of the longest that there are 6 MiB.
const PART: usize = 100;
/// The longest page, in bytes of JSON; one that would be longer is short, and the list goes on.
const PAGE_BYTES: usize = 4 << 20;

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
    fn read(query: &mut Query) -> Self {
        Self {
            limit: query.number("limit", 1, MOST).unwrap_or(50),
            cursor: query.read("cursor", |text| {
                text.parse::<LinkId>()
                    .map_err(|error| format!("is no cursor of this list: it {error}"))
            }),
        }
    }
}

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkList {
    /// The links, newest first.
    links: Vec<LinkView>,
    /// Where the next page begins; null on the last one. A page may have less links than its limit, or
    /// none, and not be the last.
    next_cursor: Option<String>,
}

/// Lists the workspace's links, newest first.
#[utoipa::path(
    get, path = "/api/v1/links", tag = "links", params(Page, Filter),
    responses((status = 200, body = LinkList), Refusals),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<LinkList>, Problem> {
    let workspace = caller.with(Right::Links)?;
    let page = Page::read(&mut query);
    let filter = Filter::read(&mut query, Archived::No);
    query.finish()?;
    let mut links = Vec::with_capacity(page.limit);
    let mut cursor = page.cursor;
    let mut looked_at = 0;
    let mut bytes = 0;
    let mut part = PART.min(page.limit + 1);
    let next = 'page: loop {
        let found = api.store.links(workspace, cursor, part).await;
        let found = found.map_err(|e| store_problem(&e))?;
        let is_last = found.len() < part;
        looked_at += found.len();
        for link in found {
            if filter.holds(&link) {
                // One more than asked for tells that there is another page.
                if links.len() == page.limit {
                    break 'page cursor;
                }
                cursor = Some(link.id);
                bytes += link.spec.json_bytes();
                links.push(LinkView::of(link, &api.config));
                if bytes > PAGE_BYTES {
                    break 'page cursor;
                }
            } else {
                cursor = Some(link.id);
            }
        }
        if is_last {
            break None;
        }
        if looked_at >= LOOKED_AT {
            break cursor;
        }
        part = PART;
        // A store in a file answers without ever waiting: others get their turn here.
        tokio::task::yield_now().await;
    };
    Ok(Json(LinkList {
        next_cursor: next.map(|id| id.to_string()),
        links,
    }))
}
