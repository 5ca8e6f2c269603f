//! The dashboard: its files, and the session in which a browser asks what the page shows.
//!
//! The page asks the same reports over the same routes as everybody else; no number is made here. What it looks like stands in
//! `analytics/web`. Nothing of this is in the API's description, since only the page calls it.

mod files;
mod seal;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::api::Api;

pub(crate) use seal::SessionKey;
pub(crate) use session::{presented, within_session};

/// Where the page is.
const PATH: &str = "/dashboard";

/// The routes of the dashboard; none of them needs a key.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/", get(async || Redirect::temporary(PATH)))
        .route(PATH, get(files::page))
        .route("/dashboard/", get(files::page))
        .route("/dashboard/{*name}", get(files::file))
        .route(
            "/dashboard/session",
            get(session::read)
                .post(session::open)
                .delete(session::close),
        )
}
