//! Reads a request's body with a bound on its size and on its sender's slowness, the same in every service.
//!
//! What a body says does not belong here.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use tokio::time::timeout;

use crate::problem::Problem;

/// How long a body of some megabytes at most may take to arrive.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The whole body, at most `limit` bytes.
pub async fn read(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    let read = timeout(patience, to_bytes(body, limit))
        .await
        .map_err(|_| {
            let detail = format!("the body did not arrive in {} s", patience.as_secs());
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

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    fn parts() -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
        stream::iter([Ok(Bytes::from("half "))])
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let body = Body::from_stream(parts().chain(stream::pending()));
        let problem = read(body, 100, Duration::from_millis(20))
            .await
            .unwrap_err();
        assert_eq!(problem.status(), StatusCode::REQUEST_TIMEOUT);
        let body = Body::from_stream(parts().chain(parts()));
        assert_eq!(read(body, 10, PATIENCE).await.unwrap(), "half half ");
        let body = Body::from_stream(parts().chain(parts()));
        let problem = read(body, 9, PATIENCE).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
