//! How much is in memory at a time: a request that brings a body of megabytes waits for its turn before a byte of the
//! body is read, and is sent away when it waits too long.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use whence_core::problem::Problem;

/// So many at a time.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Semaphore,
    count: usize,
    patience: Duration,
}

impl Turns {
    /// Turns for `count` requests at a time; another waits for one no longer than `patience`.
    pub(crate) fn new(count: usize, patience: Duration) -> Self {
        Self {
            free: Semaphore::new(count),
            count,
            patience,
        }
    }

    /// A turn, until it is dropped; 503 where none becomes free.
    pub(crate) async fn take(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let turn = tokio::time::timeout(self.patience, self.free.acquire()).await;
        let detail = || format!("{} such requests are under way already", self.count);
        let turn = turn.map_err(|_| Problem::unavailable(detail(), 1))?;
        Ok(turn.expect("nobody closes it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_too_long_is_told_to_come_again() {
        let turns = Turns::new(1, Duration::from_millis(20));
        let first = turns.take().await.unwrap();
        let problem = turns.take().await.unwrap_err();
        assert_eq!(problem.status(), 503);
        drop(first);
        assert!(turns.take().await.is_ok());
    }
}
