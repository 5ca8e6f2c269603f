//! What the ways in for a page's script have in common: what it may send without being asked first, and that it may
//! read the answer wherever the page is.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::problem::Problem;

/// What a script may send without being asked first, and what it may after; `sendBeacon` with a plain
/// text sends `text/plain`.
const MEDIA_TYPES: [&str; 2] = ["application/json", "text/plain"];
/// How long a browser need not ask again, in seconds: the longest that any of them heeds.
const PREFLIGHT_HOLDS: &str = "86400";

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
pub(super) fn readable_by(request: &HeaderMap, mut response: Response) -> Response {
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

/// Refuses a body that says to be something else than what a script sends.
pub(super) fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    if media_type.is_none_or(is_accepted) {
        return Ok(());
    }
    let detail = format!("the body must be {}", MEDIA_TYPES.join(" or "));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

fn is_accepted(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    MEDIA_TYPES
        .iter()
        .any(|accepted| essence.eq_ignore_ascii_case(accepted))
}
