//! Work on what ClickHouse has told, for as long as it takes a processor, on threads beside those that answer requests.

use axum::http::StatusCode;
use whence_core::problem::Problem;

/// Answers what the work does, or with this detail that it broke off.
pub(crate) async fn beside<T: Send + 'static>(
    broken_off: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, broken_off))
}
