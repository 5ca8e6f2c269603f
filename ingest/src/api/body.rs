//! Reads a request's body with a bound on its size and on its sender's slowness.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use tokio::time::timeout;
use whence_core::problem::Problem;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole body, at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let read = timeout(PATIENCE, to_bytes(body, limit))
        .await
        .map_err(|_| {
            let detail = format!("the body did not arrive in {} s", PATIENCE.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        })?;
    read.map_err(|error| {
        if error
            .source()
            .is_some_and(|cause| cause.is::<LengthLimitError>())
        {
            let detail = format!("the body must be at most {limit} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        } else {
            Problem::new(
                StatusCode::BAD_REQUEST,
                format!("the body cannot be read: {error}"),
            )
        }
    })
}
