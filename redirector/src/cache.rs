//! The near cache: what the link store said, remembered in memory, for as long as it may be believed.
//!
//! - Bounded by bytes; what the store does not have is remembered too, in a bound of its own, so that a
//!   guesser of slugs neither asks the store each time nor pushes real links out.
//! - Concurrent misses for one key make one look-up.
//! - A change that is pushed is forgotten at once, and a look-up that raced it is not kept.
//! - Where the store does not answer, what was last known is served, and said to be stale.
//!
//! What the values are is [`resolve`](crate::resolve)'s business.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::Shared;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::runtime::Handle;
use tokio::time::timeout;
use whence_core::store::StoreError;

/// How long a known link waits for a store that is slow to say whether it still holds: as long as an edit
/// may take to be seen.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long after a failure known links are not held up by the next try.
const AWAY: Duration = Duration::from_secs(1);

/// Where values come from.
pub(crate) trait Load: Send + Sync + 'static {
    /// What is cached.
    type Value: Clone + Send + Sync + Weight + 'static;

    /// Asks the store.
    fn load(
        &self,
        key: String,
    ) -> impl Future<Output = Result<Option<Self::Value>, StoreError>> + Send;
}

/// How much memory a value takes.
pub(crate) trait Weight {
    /// Bytes on the heap, about.
    fn bytes(&self) -> usize;
}

/// What is known about a key.
#[derive(Clone, Debug)]
pub(crate) struct Known<V> {
    /// What the store said; `None` is an answer as good as any.
    pub(crate) value: Option<V>,
    /// Whether the store could not be asked whether it still holds.
    pub(crate) stale: bool,
}

/// A bounded memory of what a [`Load`] said.
pub(crate) struct NearCache<L: Load> {
    loader: L,
    ttl: Duration,
    present: Cache<String, Held<L::Value>, ByBytes>,
    absent: Cache<String, Held<()>>,
    flights: Mutex<HashMap<String, Flight<L::Value>>>,
    /// Counts what was forgotten. A look-up notes it before it asks and after it has kept the answer:
    /// if it moved, the answer may be older than what was forgotten.
    forgotten: [AtomicU64; 64],
    /// Everything learnt before this moment, in nanoseconds since `born`, must be asked again.
    distrusted: AtomicU64,
    born: Instant,
    flight_numbers: AtomicU64,
    /// When a look-up last failed, in nanoseconds since `born`; 0 once one has landed.
    last_failure: AtomicU64,
    /// Where look-ups run: a runtime that outlives any request.
    runtime: Handle,
}

#[derive(Clone)]
struct Held<V> {
    value: V,
    learnt: Instant,
}

#[derive(Clone)]
struct ByBytes;

impl<V: Weight> Weighter<String, Held<V>> for ByBytes {
    fn weight(&self, key: &String, held: &Held<V>) -> u64 {
        // 64: the slot, the key's own header and the allocator's rounding.
        (key.len() + held.value.bytes() + size_of::<Held<V>>() + 64) as u64
    }
}

type Outcome<V> = Result<Option<V>, Arc<StoreError>>;
type Landing<V> = Shared<Pin<Box<dyn Future<Output = Outcome<V>> + Send>>>;

#[derive(Clone)]
struct Flight<V> {
    number: u64,
    landing: Landing<V>,
}

impl<L: Load> NearCache<L> {
    /// An empty cache, whose look-ups run on the runtime of the caller, for about `bytes` of present values, and `absent` keys that do not exist.
    pub(crate) fn new(loader: L, bytes: usize, absent: usize, ttl: Duration) -> Arc<Self> {
        // An average link weighs some 400 bytes; the estimate only sizes the table.
        let items = (bytes / 400).max(16);
        Arc::new(Self {
            loader,
            ttl,
            present: Cache::with_weighter(items, bytes as u64, ByBytes),
            absent: Cache::new(absent.max(1)),
            flights: Mutex::default(),
            forgotten: [const { AtomicU64::new(0) }; 64],
            distrusted: AtomicU64::new(0),
            born: Instant::now(),
            flight_numbers: AtomicU64::new(0),
            last_failure: AtomicU64::new(0),
            runtime: Handle::current(),
        })
    }

    /// What is known of `key`; asks the store only where that is not fresh.
    pub(crate) async fn get(
        self: &Arc<Self>,
        key: &str,
    ) -> Result<Known<L::Value>, Arc<StoreError>> {
        let present = self.present.get(key);
        if let Some(held) = &present
            && self.fresh(held.learnt)
        {
            return Ok(Known {
                value: Some(held.value.clone()),
                stale: false,
            });
        }
        let absent = if present.is_none() {
            self.absent.get(key)
        } else {
            None
        };
        if absent.is_some_and(|held| self.fresh(held.learnt)) {
            return Ok(Known {
                value: None,
                stale: false,
            });
        }
        let landing = self.take_off(key);
        // Only a link that was seen may be served unasked: "not found" is never said on trust.
        let Some(held) = present else {
            return landing.await.map(|value| Known {
                value,
                stale: false,
            });
        };
        let stale = Known {
            value: Some(held.value),
            stale: true,
        };
        if self.is_away() {
            return Ok(stale);
        }
        match timeout(PATIENCE, landing).await {
            Ok(Ok(value)) => Ok(Known {
                value,
                stale: false,
            }),
            Ok(Err(_)) | Err(_) => Ok(stale),
        }
    }

    /// Forgets one key.
    pub(crate) fn forget(&self, key: &str) {
        self.generation(key).fetch_add(1, Ordering::SeqCst);
        self.lock_flights().remove(key);
        self.present.remove(key);
        self.absent.remove(key);
    }

    /// Asks for everything anew, since changes may have been missed. What is known stays, to be served
    /// should the store be away.
    pub(crate) fn distrust_all(&self) {
        for generation in &self.forgotten {
            generation.fetch_add(1, Ordering::SeqCst);
        }
        self.lock_flights().clear();
        self.distrusted
            .store(self.since_birth(Instant::now()) + 1, Ordering::SeqCst);
    }

    /// How many keys are held, present and absent.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.present.len(), self.absent.len())
    }

    /// Bytes of the present values.
    pub(crate) fn bytes(&self) -> u64 {
        self.present.weight()
    }

    /// Joins the look-up under way for this key, or starts one. It is a task of its own: it lands
    /// whether or not those who asked are still there.
    fn take_off(self: &Arc<Self>, key: &str) -> Landing<L::Value> {
        let mut flights = self.lock_flights();
        if let Some(flight) = flights.get(key) {
            return flight.landing.clone();
        }
        let number = self.flight_numbers.fetch_add(1, Ordering::Relaxed);
        let task = self
            .runtime
            .spawn(Arc::clone(self).load(key.to_owned(), number));
        let landing = task
            .map(|ended| {
                let lost = |error| Arc::new(StoreError::Unavailable(format!("a look-up: {error}")));
                ended.unwrap_or_else(|error| Err(lost(error)))
            })
            .boxed()
            .shared();
        flights.insert(
            key.to_owned(),
            Flight {
                number,
                landing: landing.clone(),
            },
        );
        landing
    }

    async fn load(self: Arc<Self>, key: String, number: u64) -> Outcome<L::Value> {
        let before = self.generation(&key).load(Ordering::SeqCst);
        let learnt = Instant::now();
        let result = self.loader.load(key.clone()).await.map_err(Arc::new);
        if let Ok(value) = &result {
            self.keep(&key, value.clone(), learnt);
            // Kept first and checked after: a change pushed in between has either moved the generation
            // by now, or will find the entry and remove it.
            if self.generation(&key).load(Ordering::SeqCst) != before {
                self.present.remove(&key);
                self.absent.remove(&key);
            }
        }
        let failed = if result.is_err() {
            self.since_birth(Instant::now())
        } else {
            0
        };
        self.last_failure.store(failed, Ordering::Relaxed);
        let mut flights = self.lock_flights();
        if flights
            .get(&key)
            .is_some_and(|flight| flight.number == number)
        {
            flights.remove(&key);
        }
        result
    }

    fn keep(&self, key: &str, value: Option<L::Value>, learnt: Instant) {
        match value {
            Some(value) => {
                self.absent.remove(key);
                self.present.insert(key.to_owned(), Held { value, learnt });
            }
            None => {
                self.present.remove(key);
                self.absent
                    .insert(key.to_owned(), Held { value: (), learnt });
            }
        }
    }

    fn fresh(&self, learnt: Instant) -> bool {
        learnt.elapsed() < self.ttl
            && self.since_birth(learnt) >= self.distrusted.load(Ordering::SeqCst)
    }

    /// Whether the store did not answer a moment ago, and has not answered since.
    fn is_away(&self) -> bool {
        let failed = self.last_failure.load(Ordering::Relaxed);
        failed != 0 && self.since_birth(Instant::now()) - failed < AWAY.as_nanos() as u64
    }

    fn since_birth(&self, moment: Instant) -> u64 {
        moment.duration_since(self.born).as_nanos() as u64
    }

    /// Keys share 64 counters: a change discards at most a 64th of the look-ups under way.
    fn generation(&self, key: &str) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        &self.forgotten[hasher.finish() as usize % self.forgotten.len()]
    }

    fn lock_flights(&self) -> std::sync::MutexGuard<'_, HashMap<String, Flight<L::Value>>> {
        // The map is whole at every point where a holder could panic.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
