//! Work that takes a core for milliseconds, kept from sinking what shares the machine with it: a few at a
//! time run on blocking threads, a bounded number wait, for a bounded time where that is asked for, and
//! who comes beyond that is told so at once.
//!
//! What the work is, and what is said to those who are turned away, does not belong here.

use std::any::Any;
use std::panic::resume_unwind;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
#[cfg(feature = "test-support")]
use tokio::sync::SemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The room for one kind of work.
#[derive(Debug)]
pub struct Bulkhead {
    /// A permit for each that runs.
    room: Semaphore,
    /// A permit for each that runs or waits.
    line: Semaphore,
    /// How long one may wait; for ever where it is none.
    patience: Option<Duration>,
}

/// Why work was not done.
#[derive(Debug, Error)]
pub enum Undone {
    /// There was no room.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The work itself panicked, with this.
    #[error("it failed unexpectedly")]
    Panicked(Box<dyn Any + Send>),
}

/// Too many wait, one has waited too long, or the process is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too much of this is being done")]
pub struct Busy;

impl Undone {
    /// That there was no room; a panic of the work goes on in the caller, as if it had been called there.
    #[must_use]
    pub fn or_panic(self) -> Busy {
        match self {
            Self::Busy(busy) => busy,
            Self::Panicked(panic) => resume_unwind(panic),
        }
    }
}

impl Bulkhead {
    /// Room for `at_once` that run and `waiting` more.
    #[must_use]
    pub const fn new(at_once: usize, waiting: usize, patience: Option<Duration>) -> Self {
        Self {
            room: Semaphore::const_new(at_once),
            line: Semaphore::const_new(at_once + waiting),
            patience,
        }
    }

    /// Does the work on a blocking thread once there is room. Room stays taken to the end of the work, even
    /// when the caller has gone: else a client that breaks off again and again would fill the machine.
    pub async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Undone> {
        let place = self.line.try_acquire().map_err(|_| Busy)?;
        let room = match self.patience {
            Some(patience) => timeout(patience, self.room.acquire()).await,
            None => Ok(self.room.acquire().await),
        };
        let Ok(Ok(room)) = room else {
            return Err(Busy.into());
        };
        let done = spawn_blocking(move || {
            let _held = (place, room);
            work()
        });
        match done.await {
            Ok(done) => Ok(done),
            // What did not run is not done because the process is stopping.
            Err(error) => Err(error
                .try_into_panic()
                .map_or(Undone::Busy(Busy), Undone::Panicked)),
        }
    }

    /// Takes every place that is free, until it is dropped: a test sees what those are told who come then.
    ///
    /// # Panics
    /// Where somebody else takes a place in the same moment.
    #[cfg(feature = "test-support")]
    pub fn fill(&self) -> SemaphorePermit<'_> {
        let free = self.line.available_permits();
        let free = free.try_into().expect("a bulkhead is small");
        let taken = self.line.try_acquire_many(free);
        taken.expect("nobody else comes meanwhile")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A bulkhead of the test's own, for as long as the process runs.
    fn bulkhead(at_once: usize, waiting: usize, patience: Option<Duration>) -> &'static Bulkhead {
        Box::leak(Box::new(Bulkhead::new(at_once, waiting, patience)))
    }

    fn is_busy(done: &Result<(), Undone>) -> bool {
        matches!(done, Err(Undone::Busy(Busy)))
    }

    #[tokio::test]
    async fn who_finds_the_line_full_is_told_at_once() {
        let bulkhead = bulkhead(1, 1, None);
        let (let_go, held) = mpsc::channel();
        let first = tokio::spawn(bulkhead.run(move || held.recv().unwrap()));
        while bulkhead.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(bulkhead.run(|| ()));
        while bulkhead.line.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(is_busy(&bulkhead.run(|| ()).await));
        let_go.send(()).unwrap();
        assert!(first.await.unwrap().is_ok());
        assert!(second.await.unwrap().is_ok());
        assert!(bulkhead.run(|| ()).await.is_ok());
    }

    #[tokio::test]
    async fn who_has_gone_still_takes_room_until_the_work_is_done() {
        let bulkhead = bulkhead(1, 1, Some(Duration::from_millis(20)));
        let (let_go, held) = mpsc::channel::<()>();
        let first = tokio::spawn(bulkhead.run(move || held.recv().unwrap()));
        while bulkhead.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(
            is_busy(&bulkhead.run(|| ()).await),
            "it waits no longer than it may"
        );
        let_go.send(()).unwrap();
        while bulkhead.room.available_permits() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(bulkhead.run(|| ()).await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_told_from_a_lack_of_room_and_leaves_the_room_free() {
        let bulkhead = bulkhead(1, 0, None);
        for _ in 0..2 {
            let undone = bulkhead.run(|| panic!("of the work")).await;
            let Err(Undone::Panicked(panic)) = undone else {
                panic!("{undone:?}");
            };
            assert_eq!(panic.downcast_ref(), Some(&"of the work"));
        }
        assert!(bulkhead.run(|| ()).await.is_ok());
    }

    #[tokio::test]
    #[should_panic(expected = "of the work")]
    async fn a_panic_goes_on_in_the_caller_where_that_is_wanted() {
        let undone = bulkhead(1, 0, None).run(|| panic!("of the work")).await;
        let _: Result<(), Busy> = undone.map_err(Undone::or_panic);
    }
}
