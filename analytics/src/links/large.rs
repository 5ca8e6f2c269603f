//! Bodies that are larger than others: bulk edits and imports. A few at a time, so that they cannot fill the
//! memory together.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use whence_core::body;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::edit::WINDOW;

/// The longest body, in bytes: ten thousand links of six kilobytes each.
pub(crate) const LONGEST: usize = 64 << 20;
/// How many edits a request may have.
pub(crate) const MOST: usize = 10_000;
/// The longest edit or row, in bytes: as long as the body of a single one may be. Taken apart, JSON takes many
/// times its length, so that the whole body must never be at once.
pub(super) const LONGEST_PART: usize = 1 << 20;
/// How much of a body is taken apart and worked on at a time.
pub(super) const WINDOW_BYTES: usize = 4 << 20;
/// How many passwords: each takes a processor some 20 ms, by design.
const MOST_PASSWORDS: usize = 200;
/// How many such requests are worked on at a time.
const AT_ONCE: usize = 4;
/// How many of one workspace: one that sends slowly, or much, must not keep the others out.
const OF_ONE: usize = 2;
/// How long one may take to arrive: 64 MiB at half a megabyte a second.
const ARRIVAL: Duration = Duration::from_secs(120);

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);
/// What each workspace may take of it; those that take nothing are forgotten.
static SHARES: LazyLock<Mutex<HashMap<WorkspaceId, Weak<Semaphore>>>> =
    LazyLock::new(Mutex::default);

/// A large body, and the room that it takes until it is dropped.
pub(super) struct Large {
    /// What was sent.
    pub(super) bytes: Bytes,
    _share: OwnedSemaphorePermit,
    _room: SemaphorePermit<'static>,
}

/// Reads a large body once there is room for it.
pub(super) async fn read(workspace: &WorkspaceId, sent: Body) -> Result<Large, Problem> {
    let busy = || Problem::unavailable("too many large requests at a time", 2);
    let permits = async {
        let share = share(workspace).acquire_owned().await;
        (share, ROOM.acquire().await)
    };
    let (Ok(share), Ok(room)) = timeout(ARRIVAL, permits).await.map_err(|_| busy())? else {
        return Err(busy());
    };
    Ok(Large {
        bytes: body::read(sent, LONGEST, ARRIVAL).await?,
        _share: share,
        _room: room,
    })
}

/// A workspace's share of the room.
fn share(workspace: &WorkspaceId) -> Arc<Semaphore> {
    let mut shares = SHARES.lock().unwrap_or_else(PoisonError::into_inner);
    shares.retain(|_, share| share.strong_count() > 0);
    if let Some(share) = shares.get(workspace).and_then(Weak::upgrade) {
        return share;
    }
    let share = Arc::new(Semaphore::new(OF_ONE));
    shares.insert(workspace.clone(), Arc::downgrade(&share));
    share
}

/// How many of the edits or rows of these lengths are taken apart at a time: of any, at least one.
pub(super) fn window(lengths: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = lengths.take(WINDOW).enumerate().take_while(|(n, length)| {
        bytes += length;
        *n == 0 || bytes <= WINDOW_BYTES
    });
    fits.count()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_bounded_by_number_and_by_bytes() {
        assert_eq!(window(std::iter::repeat_n(10, 5000)), WINDOW);
        assert_eq!(window(std::iter::repeat_n(1 << 20, 50)), 4);
        assert_eq!(window(std::iter::once(LONGEST)), 1);
        assert_eq!(window(std::iter::empty()), 0);
    }

    #[tokio::test]
    async fn one_workspace_leaves_room_for_others() {
        let (acme, globex) = ("acme".parse().unwrap(), "globex".parse().unwrap());
        let one = read(&acme, Body::empty()).await.unwrap();
        let two = read(&acme, Body::empty()).await.unwrap();
        let third = async || timeout(Duration::from_millis(50), read(&acme, Body::empty())).await;
        assert!(third().await.is_err(), "it waits");
        read(&globex, Body::empty()).await.unwrap();
        drop(one);
        third().await.unwrap().unwrap();
        drop(two);
    }
}
