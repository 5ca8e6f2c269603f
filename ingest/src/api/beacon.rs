//! `POST /v1/events`: a conversion from a page's script, by `navigator.sendBeacon` or `fetch`.
//!
//! Any page may send: a workspace's id is public, and what a browser says is stored as such. Answers may
//! be read by any page too, with the visitor's cookie sent along where the collector shares its domain;
//! they say nothing that the sender did not.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::body;
use whence_core::conversion::ConversionSource;
use whence_core::problem::Problem;

use super::{Shared, receive};
use crate::conversion::check::Names;
use crate::conversion::form::Form;

const NAMES: Names = Names {
    workspace: Some("ws"),
    kind: "kind",
    click_id: "click_id",
    ignored: &[],
    is_server: false,
};

/// What a script may send without being asked first, and what it may after; `sendBeacon` with a plain
/// text sends `text/plain`.
const MEDIA_TYPES: [&str; 2] = ["application/json", "text/plain"];
/// How long a browser need not ask again, in seconds: the longest that any of them heeds.
const PREFLIGHT_HOLDS: &str = "86400";

/// Takes a conversion.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let result = take(&shared, &headers, body).await;
    receive::count(&shared, ConversionSource::Beacon, &result);
    readable_by(&headers, result.into_response())
}

/// Answers a browser that asks whether a page may send.
pub(super) async fn preflight(headers: HeaderMap) -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_HOLDS),
    ];
    readable_by(&headers, (StatusCode::NO_CONTENT, allowed).into_response())
}

/// Lets the page that asked read the answer.
fn readable_by(request: &HeaderMap, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(origin) = request.get(header::ORIGIN) {
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let readable = HeaderValue::from_static("Idempotent-Replayed, Retry-After");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
    response
}

async fn take(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    if !media_type.is_none_or(is_accepted) {
        let detail = format!("the body must be {}", MEDIA_TYPES.join(" or "));
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body = body::read(body, receive::LONGEST_BODY, body::PATIENCE).await?;
    let form = Form::from_json(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    receive::from_browser(shared, form, &NAMES, headers, ConversionSource::Beacon).await
}

fn is_accepted(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    MEDIA_TYPES
        .iter()
        .any(|accepted| essence.eq_ignore_ascii_case(accepted))
}
