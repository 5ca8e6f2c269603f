//! All links of a workspace as a file, written while it is read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::Value;
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::link::Link;
use whence_core::problem::Problem;
use whence_core::store::StoreError;
use whence_core::workspace::WorkspaceId;

use super::filter::{Archived, Filter};
use super::row::{Format, Row};
use super::sheet;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::{Refusals, store_problem};

/// How many links are read at a time: of the longest that there are 6 MiB.
const PART: usize = 100;

/// Every link, the archived ones too, with every field: what an import needs to make the same ones. It has the
/// hashes of passwords. Links that are made meanwhile may be missing; should the store go away, the
/// connection is broken off, so that half a file is not taken for a whole one.
#[utoipa::path(
    get, path = "/api/v1/links/export", tag = "links",
    params(
        ("format" = Option<String>, Query, description = "`csv` or `jsonl`; or Accept: text/csv or application/jsonl"),
        Filter,
    ),
    responses((status = 200, content((String = "text/csv"), (String = "application/jsonl"))), Refusals),
)]
pub(crate) async fn export(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?.clone();
    let format = query.optional("format");
    let filter = Filter::read(&mut query, Archived::Any);
    query.finish()?;
    let format = Format::chosen(format, &headers, header::ACCEPT)?;
    // The first part comes before the answer, so that a store that is away is answered as always.
    let first = api.store.links(&workspace, None, PART).await;
    let first = first.map_err(|e| store_problem(&e))?;
    let file = File {
        api,
        workspace,
        filter,
        format,
        next: Next::First(first),
    };
    let name = format!("attachment; filename=\"links.{}\"", format.extension());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let parts = stream::try_unfold(file, File::part);
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// A file that is being written.
struct File {
    api: Arc<Api>,
    workspace: WorkspaceId,
    filter: Filter,
    format: Format,
    next: Next,
}

/// What comes next.
enum Next {
    /// The names of the columns, and these links.
    First(Vec<Link>),
    /// The links before this one.
    Before(LinkId),
    /// Nothing.
    End,
}

impl File {
    /// The next part of the file, with what comes after it.
    async fn part(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let mut text = Vec::new();
        let links = match std::mem::replace(&mut self.next, Next::End) {
            Next::First(links) => {
                if self.format == Format::Csv {
                    line(&mut text, sheet::names());
                }
                links
            }
            Next::Before(id) => {
                let links = self.api.store.links(&self.workspace, Some(id), PART);
                links.await.inspect_err(|error| {
                    tracing::warn!(%error, "an export was broken off");
                })?
            }
            Next::End => return Ok(None),
        };
        if links.len() == PART
            && let Some(last) = links.last()
        {
            self.next = Next::Before(last.id);
        }
        for link in links {
            if self.filter.holds(&link) {
                self.write(&mut text, link);
            }
        }
        Ok(Some((text.into(), self)))
    }

    fn write(&self, text: &mut Vec<u8>, link: Link) {
        let row = Row::of(link, &self.api.config);
        match self.format {
            Format::Jsonl => {
                serde_json::to_writer(&mut *text, &row)
                    .expect("a link is JSON, and memory takes it");
                text.push(b'\n');
            }
            Format::Csv => match serde_json::to_value(&row) {
                Ok(Value::Object(fields)) => line(text, sheet::cells(&fields)),
                _ => unreachable!("a link is written as an object"),
            },
        }
    }
}

fn line<C: AsRef<[u8]>>(text: &mut Vec<u8>, cells: impl Iterator<Item = C>) {
    csv::Writer::from_writer(text)
        .write_record(cells)
        .expect("memory takes every line");
}
