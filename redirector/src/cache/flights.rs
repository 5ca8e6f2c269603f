//! Look-ups under way: at most one for a key, whoever asks, and a bound on all of them.
//!
//! A look-up is a task of its own: it lands whether or not those who asked are still there.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::Shared;
use tokio::runtime::Handle;
use whence_core::store::StoreError;

use super::entry::{Key, OwnedKey};

/// The most look-ups at a time: at a second each, more than a store that hangs has any use for.
pub(super) const MOST: usize = 10_000;

/// What a look-up has found, or why it has not.
pub(super) type Outcome<V> = Result<Option<V>, Arc<StoreError>>;
/// The end of a look-up, for as many as wait for it.
pub(super) type Landing<V> = Shared<Pin<Box<dyn Future<Output = Outcome<V>> + Send>>>;

/// The look-ups under way.
pub(super) struct Flights<V> {
    /// Where they run: a runtime that outlives any request.
    runtime: Handle,
    air: Mutex<Air<V>>,
}

struct Air<V> {
    flights: HashMap<OwnedKey, Flight<V>>,
    /// How many have taken off.
    count: u64,
}

struct Flight<V> {
    number: u64,
    landing: Landing<V>,
}

impl<V: Clone + Send + Sync + 'static> Flights<V> {
    /// None yet; they will run on the runtime of the caller.
    pub(super) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            air: Mutex::new(Air {
                flights: HashMap::new(),
                count: 0,
            }),
        }
    }

    /// Joins the look-up under way for this key, or starts what `look_up` makes of the number it is
    /// given, under which it says that it has [`landed`](Self::landed).
    pub(super) fn take_off<F>(
        &self,
        key: Key<'_>,
        look_up: impl FnOnce(OwnedKey, u64) -> F,
    ) -> Landing<V>
    where
        F: Future<Output = Outcome<V>> + Send + 'static,
    {
        let key = key.owned();
        let mut air = self.lock();
        if let Some(flight) = air.flights.get(&key) {
            return flight.landing.clone();
        }
        if air.flights.len() >= MOST {
            let busy = || StoreError::Unavailable(format!("{MOST} look-ups are under way already"));
            return async move { Err(Arc::new(busy())) }.boxed().shared();
        }
        air.count += 1;
        let number = air.count;
        let task = self.runtime.spawn(look_up(key.clone(), number));
        let landing = task
            .map(|ended| {
                let lost = |error| Arc::new(StoreError::Unavailable(format!("a look-up: {error}")));
                ended.unwrap_or_else(|error| Err(lost(error)))
            })
            .boxed()
            .shared();
        let flight = Flight {
            number,
            landing: landing.clone(),
        };
        air.flights.insert(key, flight);
        landing
    }

    /// Ends a look-up, unless its key has been forgotten and is looked up anew.
    pub(super) fn landed(&self, key: &OwnedKey, number: u64) {
        let mut air = self.lock();
        let flight = air.flights.get(key);
        if flight.is_some_and(|flight| flight.number == number) {
            air.flights.remove(key);
        }
    }

    /// Lets nobody join the look-up for this key any more.
    pub(super) fn leave(&self, key: Key<'_>) {
        self.lock().flights.remove(&key.owned());
    }

    /// Lets nobody join any look-up that is under way now.
    pub(super) fn leave_all(&self) {
        self.lock().flights.clear();
    }

    /// How many can be joined.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().flights.len()
    }

    fn lock(&self) -> MutexGuard<'_, Air<V>> {
        // The map is whole at every point where a holder could panic.
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
