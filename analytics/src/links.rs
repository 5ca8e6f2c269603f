//! Links over HTTP: made, listed, read, changed, deleted; one at a time, ten thousand at a time, as files,
//! and as QR codes. One file for each way to ask; what they share:
//!
//! [`draft`] reads what is wanted, [`desk`] says what the workspace allows, [`edit`] makes it so, [`view`]
//! shows it.

mod bulk;
mod change;
mod create;
mod delete;
mod desk;
mod draft;
mod edit;
mod export;
mod external;
mod filter;
mod import;
mod large;
mod list;
mod qr;
mod read;
mod row;
mod sheet;
mod slug;
mod view;

pub(crate) use bulk::{__path_bulk, bulk};
pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, create};
pub(crate) use delete::{__path_delete, delete};
pub(crate) use export::{__path_export, export};
pub(crate) use external::{__path_by_external_id, __path_put, by_external_id, put};
pub(crate) use import::{__path_import, import};
pub(crate) use list::{__path_list, list};
pub(crate) use qr::{__path_drawn, __path_drawn_with_logo, drawn, drawn_with_logo};
pub(crate) use read::{__path_read, read};

use axum::Json;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::id::LinkId;
use whence_core::link::Link;
use whence_core::problem::Problem;
use whence_core::store::StoreError;

use crate::api::Api;
use crate::problems::store_problem;
use crate::revision::etag;
use edit::Done;
use view::LinkView;

/// A link as an answer, with its revision as ETag.
fn answer(status: StatusCode, link: Link, api: &Api) -> Response {
    let tag = etag(link.revision);
    (status, tag, Json(LinkView::of(link, &api.config))).into_response()
}

/// What was done, as an answer.
fn outcome(done: Done, api: &Api) -> Response {
    match done {
        Done::Made(link) => {
            let location = HeaderValue::try_from(format!("/api/v1/links/{}", link.id))
                .expect("an id needs no escaping");
            let mut response = answer(StatusCode::CREATED, link, api);
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Done::Changed(link) | Done::Same(link) => answer(StatusCode::OK, link, api),
        Done::Deleted => StatusCode::NO_CONTENT.into_response(),
    }
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

/// The one link that the store was asked for.
fn found(answer: Result<Option<Link>, StoreError>) -> Result<Link, Problem> {
    let found = answer.map_err(|error| store_problem(&error))?;
    found.ok_or_else(no_such_link)
}

fn no_such_link() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such link")
}
