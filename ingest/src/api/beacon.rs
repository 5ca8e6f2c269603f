//! `POST /v1/events`: a conversion from a page's script, by `navigator.sendBeacon` or `fetch`.
//!
//! Any page may send: a workspace's id is public, and what a browser says is stored as such. Answers may
//! be read by any page too, with the visitor's cookie sent along where the collector shares its domain;
//! they say nothing that the sender did not.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use whence_core::body;
use whence_core::conversion::ConversionSource;
use whence_core::problem::Problem;

use super::{Shared, page, receive};
use crate::conversion::check::Names;
use crate::fields::form::Form;

const NAMES: Names = Names {
    workspace: Some("ws"),
    kind: "kind",
    click_id: "click_id",
    ignored: &[],
    is_server: false,
};

/// Takes a conversion.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let result = take(&shared, &headers, body).await;
    receive::count(&shared, ConversionSource::Beacon, &result);
    page::readable_by(&headers, result.into_response())
}

async fn take(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    page::check_media_type(headers)?;
    let body = body::read(body, receive::LONGEST_BODY, body::PATIENCE).await?;
    let form = Form::from_json(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    receive::from_browser(shared, form, &NAMES, headers, ConversionSource::Beacon).await
}
