//! Sends the lane's account, now and then and at the end. That nobody takes it holds up nothing.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::books::Books;
use super::{DeliverError, Sink};
use crate::account::LaneAccount;

/// How long an account may be under way before the next one is tried.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the last one may hold up a stop.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Sends accounts.
pub(super) struct Reports<S> {
    pub(super) sink: Arc<S>,
    pub(super) books: Arc<Mutex<Books>>,
    /// The account but for its numbers.
    pub(super) blank: LaneAccount,
    pub(super) every: Duration,
}

impl<S: Sink> Reports<S> {
    /// Sends one at once, and then one every so often.
    pub(super) async fn keep(&self) -> Infallible {
        let mut was_away = false;
        loop {
            let sent = timeout(PATIENCE, self.send()).await;
            let sent = sent.unwrap_or_else(|_| Err(DeliverError::Retry("no answer".into())));
            match sent {
                // Said once: it is away for as long as blocks are, mostly.
                Err(error) if !was_away => {
                    tracing::warn!(lane = %self.blank.lane, %error, "the lane's account was not taken");
                    was_away = true;
                }
                Err(_) => {}
                Ok(()) => was_away = false,
            }
            sleep(self.every).await;
        }
    }

    /// Sends the last one before a stop.
    pub(super) async fn last(&self) {
        if let Ok(Err(error)) = timeout(LAST_PATIENCE, self.send()).await {
            tracing::debug!(lane = %self.blank.lane, %error, "the lane's last account was not taken");
        }
    }

    /// Sends what there is to say, in as many accounts as it takes.
    async fn send(&self) -> Result<(), DeliverError> {
        loop {
            let mut unsent = self.take();
            self.sink
                .account(std::slice::from_ref(&unsent.account))
                .await?;
            unsent.account.gaps.clear();
            drop(unsent);
            if !locked(&self.books).has_gaps() {
                return Ok(());
            }
        }
    }

    fn take(&self) -> Unsent<'_> {
        let mut books = locked(&self.books);
        Unsent {
            account: LaneAccount {
                taken: books.taken,
                freed: books.freed,
                gaps: books.take_gaps(),
                ..self.blank.clone()
            },
            books: &self.books,
        }
    }
}

/// An account under way: whatever becomes of the sending, gaps that were not taken go back into the books.
struct Unsent<'a> {
    account: LaneAccount,
    books: &'a Mutex<Books>,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        let gaps = std::mem::take(&mut self.account.gaps);
        locked(self.books).give_back(gaps);
    }
}

/// Takes the books; nothing panics with them open.
pub(super) fn locked(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}
