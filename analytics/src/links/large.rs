//! Bodies that are larger than others: bulk edits and imports. A few at a time, so that they cannot fill the
//! memory together.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};
use whence_core::problem::Problem;

/// The longest body, in bytes: ten thousand links of six kilobytes each.
pub(crate) const LONGEST: usize = 64 << 20;
/// How many edits a request may have.
pub(crate) const MOST: usize = 10_000;
/// The longest edit or row, in bytes: as long as the body of a single one may be. Taken apart, JSON takes many
/// times its length, so that the whole body must never be at once.
pub(super) const LONGEST_PART: usize = 1 << 20;
/// How many passwords: each takes a processor some 20 ms, by design.
const MOST_PASSWORDS: usize = 200;
/// How many such requests are worked on at a time.
const AT_ONCE: usize = 4;
/// How long one may take to arrive: 64 MiB at half a megabyte a second.
const ARRIVAL: Duration = Duration::from_secs(120);

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// A large body, and the room that it takes until it is dropped.
pub(super) struct Large {
    /// What was sent.
    pub(super) bytes: Bytes,
    _room: SemaphorePermit<'static>,
}

/// Reads a large body once there is room for it.
pub(super) async fn read(body: Body) -> Result<Large, Problem> {
    let busy = || Problem::unavailable("too many large requests at a time", 2);
    let room = tokio::time::timeout(ARRIVAL, ROOM.acquire()).await;
    let room = room.map_err(|_| busy())?.map_err(|_| busy())?;
    let read = tokio::time::timeout(ARRIVAL, to_bytes(body, LONGEST)).await;
    let bytes = read.map_err(|_| {
        let detail = format!("the body took longer than {} s", ARRIVAL.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    let bytes = bytes.map_err(|error| {
        let is_long = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        match is_long {
            true => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {} MiB", LONGEST >> 20),
            ),
            false => Problem::new(StatusCode::BAD_REQUEST, "the body could not be read"),
        }
    })?;
    Ok(Large { bytes, _room: room })
}

/// Refuses an edit or a row that is too long.
pub(super) fn bounded(length: usize) -> Result<(), Problem> {
    if length <= LONGEST_PART {
        return Ok(());
    }
    let detail = format!("longer than {} MiB", LONGEST_PART >> 20);
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
}

/// Counts the passwords of a request.
#[derive(Debug, Default)]
pub(super) struct Passwords(usize);

impl Passwords {
    /// Whether one more may be hashed.
    pub(super) fn one_more(&mut self) -> Result<(), String> {
        self.0 += 1;
        if self.0 > MOST_PASSWORDS {
            return Err(format!(
                "at most {MOST_PASSWORDS} in one request: hashing takes time; send the rest in another"
            ));
        }
        Ok(())
    }
}
