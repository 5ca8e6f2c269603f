//! The near cache: what the link store said, remembered in memory, for as long as it may be believed.
//!
//! - Bounded by bytes; what the store does not have is remembered too, in a bound of its own, so that a
//!   guesser of slugs neither asks the store each time nor pushes real links out.
//! - Concurrent misses for one key make one look-up. What is asked for is asked about again before it is
//!   too old, so that nobody waits for a link that is in use.
//! - A change that is pushed is forgotten at once, and a look-up that raced it is not kept.
//! - Where the store does not answer, what was last known is served, and said to be stale.
//!
//! What the values are is [`resolve`](crate::resolve)'s business.

mod clock;
mod entry;
mod flights;
mod table;

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::timeout;
use whence_core::store::StoreError;

pub(crate) use self::clock::Clock;
use self::clock::ticks;
pub(crate) use self::entry::{Cached, Heat, Kept, Key, OwnedKey, Stamp, Weight, allocated};
use self::flights::{Flights, Landing, Outcome};
use self::table::Table;

/// How long a known value waits for a store that is slow to say whether it still holds: as long as an edit
/// may take to be seen.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long what is not known waits: a store across an ocean answers ten times within it.
const LONG_PATIENCE: Duration = Duration::from_secs(2);
/// Changes are counted by the hash of the slug or host that they concern, so that one discards few of the
/// look-ups under way: 64 KiB of counters.
const COUNTERS: usize = 16 * 1024;

/// Where values come from.
pub(crate) trait Load: Send + Sync + 'static {
    /// What is cached.
    type Value: Cached;

    /// Asks the store; the value carries `key` and `stamp`.
    fn load(
        &self,
        key: &OwnedKey,
        stamp: Stamp,
    ) -> impl Future<Output = Result<Option<Self::Value>, StoreError>> + Send;
}

/// What is known about a key.
#[derive(Clone, Debug)]
pub(crate) struct Known<V> {
    /// What the store said.
    pub(crate) value: Option<V>,
    /// Whether the store could not be asked whether it still holds. A value is worth having all the same;
    /// that there was none is not to be said on trust.
    pub(crate) stale: bool,
}

/// A bounded memory of what a [`Load`] said.
pub(crate) struct NearCache<L: Load> {
    loader: L,
    /// How many ticks something is believed.
    ttl: u32,
    present: Table<L::Value>,
    /// What does not exist, by a keyed hash of 128 bits: of a thousand million different keys, two agree
    /// with a probability below 1 in 10^20, and nobody outside can look for them.
    absent: Cache<u128, Stamp>,
    absent_keys: [RandomState; 2],
    flights: Flights<L::Value>,
    /// Count what was forgotten. A look-up notes its counter before it asks and compares it when it keeps
    /// the answer: if it moved, the answer may be older than what was forgotten.
    forgotten: Box<[AtomicU32]>,
    /// How often everything was distrusted. What was learnt in an earlier era must be asked again.
    era: AtomicU32,
    /// Whether the store was last found slow or away, and has not answered since.
    away: AtomicBool,
    /// The tick of the last try to find it back.
    tried: AtomicU32,
    clock: Clock,
}

impl<L: Load> NearCache<L> {
    /// An empty cache, whose look-ups run on the runtime of the caller, for about `bytes` of present
    /// values, and `absent` keys that do not exist.
    pub(crate) fn new(
        loader: L,
        bytes: usize,
        absent: usize,
        ttl: Duration,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            loader,
            ttl: ticks(ttl),
            present: Table::new(bytes),
            absent: Cache::new(absent.max(1)),
            absent_keys: [RandomState::new(), RandomState::new()],
            flights: Flights::new(),
            forgotten: (0..COUNTERS).map(|_| AtomicU32::new(0)).collect(),
            era: AtomicU32::new(0),
            away: AtomicBool::new(false),
            tried: AtomicU32::new(u32::MAX),
            clock,
        })
    }

    /// What is known of `key` at the tick `now`; waits only where that is not fresh, for a bounded time.
    pub(crate) async fn get(
        self: &Arc<Self>,
        key: Key<'_>,
        now: u32,
    ) -> Result<Known<L::Value>, Arc<StoreError>> {
        let hash = self.present.hash(key);
        let present = self.present.get(hash, key);
        if let Some(value) = &present {
            let stamp = value.stamp();
            if self.is_fresh(stamp, now) {
                if now >= self.ripe(stamp, hash) && self.may_ask() {
                    // It lands by itself.
                    drop(self.take_off(key));
                }
                return Ok(Known {
                    value: present,
                    stale: false,
                });
            }
        }
        // Boxed, so that whoever finds what they ask for does not carry room for waiting.
        Box::pin(self.ask(key, now, present)).await
    }

    /// Asks the store about what is not known to be present, or was once, as `old` says.
    async fn ask(
        self: &Arc<Self>,
        key: Key<'_>,
        now: u32,
        old: Option<L::Value>,
    ) -> Result<Known<L::Value>, Arc<StoreError>> {
        let fresh = |value| Known {
            value,
            stale: false,
        };
        let mut was_known = old.is_some();
        if !was_known && let Some(stamp) = self.absent.get(&self.absent_key(key)) {
            if self.is_fresh(stamp, now) {
                return Ok(fresh(None));
            }
            was_known = true;
        }
        let stale = Known {
            value: old,
            stale: true,
        };
        if was_known && !self.may_ask() {
            return Ok(stale);
        }
        let landing = self.take_off(key);
        if was_known && self.is_away() {
            return Ok(stale);
        }
        let patience = if was_known { PATIENCE } else { LONG_PATIENCE };
        match timeout(patience, landing).await {
            Ok(Ok(value)) => Ok(fresh(value)),
            Ok(Err(_)) if was_known => Ok(stale),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                // What is known does not wait for it again until it answers.
                self.away.store(true, Ordering::Relaxed);
                let slow = || StoreError::Unavailable(format!("no answer within {patience:?}"));
                was_known.then_some(stale).ok_or_else(|| Arc::new(slow()))
            }
        }
    }

    /// Forgets a text at each of the sites that are asked for once its change has counted.
    pub(crate) fn forget(&self, text: &str, sites: impl FnOnce() -> Vec<u32>) {
        self.counter(text).fetch_add(1, Ordering::SeqCst);
        for site in sites() {
            let key = Key { site, text };
            self.flights.leave(key);
            self.present.remove(key, || true);
            self.absent.remove(&self.absent_key(key));
        }
    }

    /// Asks for everything anew, since changes may have been missed. What is known stays, to be served
    /// should the store be away.
    pub(crate) fn distrust_all(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
        self.flights.leave_all();
    }

    /// How many keys are held, present and absent.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.present.len(), self.absent.len())
    }

    /// Bytes of the present values.
    pub(crate) fn bytes(&self) -> usize {
        self.present.bytes()
    }

    /// Begins to fill the cache with values that are read from the store from now on.
    pub(crate) fn filling(&self) -> Filling {
        Filling {
            stamp: self.stamp(),
            counters: self
                .forgotten
                .iter()
                .map(|counter| counter.load(Ordering::SeqCst))
                .collect(),
        }
    }

    /// Keeps a value with the stamp of the filling, where nothing that may be believed is known at its key and
    /// nothing has changed there since the filling began.
    pub(crate) fn fill(&self, filling: &Filling, value: L::Value) -> Filled {
        if self.present.is_full() {
            return Filled::Full;
        }
        if filling.stamp.era != self.era.load(Ordering::SeqCst) {
            return Filled::Distrusted;
        }
        let slot = self.counter_slot(value.key().text);
        let unchanged = || self.forgotten[slot].load(Ordering::SeqCst) == filling.counters[slot];
        let is_old = |there: &L::Value| there.stamp().era < filling.stamp.era;
        let kept = self
            .present
            .insert(value, |there| there.is_none_or(is_old) && unchanged());
        if kept { Filled::Kept } else { Filled::Passed }
    }

    /// Joins the look-up under way for this key, or starts one.
    fn take_off(self: &Arc<Self>, key: Key<'_>) -> Landing<L::Value> {
        self.flights
            .take_off(key, |key, number| Arc::clone(self).look_up(key, number))
    }

    async fn look_up(self: Arc<Self>, key: OwnedKey, number: u64) -> Outcome<L::Value> {
        let text = key.as_key().text;
        let before = self.counter(text).load(Ordering::SeqCst);
        let stamp = self.stamp();
        let result = self.loader.load(&key, stamp).await.map_err(Arc::new);
        if let Ok(value) = &result {
            let unchanged = || self.counter(text).load(Ordering::SeqCst) == before;
            self.keep(key.as_key(), value.clone(), stamp, unchanged);
        }
        // What cannot be read was answered all the same.
        let away = matches!(
            result.as_ref().map_err(|error| &**error),
            Err(StoreError::Unavailable(_))
        );
        self.away.store(away, Ordering::Relaxed);
        self.flights.landed(&key, number);
        result
    }

    /// Remembers what was learnt, unless it has changed since.
    fn keep(
        &self,
        key: Key<'_>,
        value: Option<L::Value>,
        stamp: Stamp,
        unchanged: impl Fn() -> bool,
    ) {
        let absent = self.absent_key(key);
        match value {
            Some(value) => {
                // A change counts first and removes then: it finds what is put here before it counts.
                if self.present.insert(value, |_| unchanged()) {
                    self.absent.remove(&absent);
                }
            }
            None => {
                self.present.remove(key, &unchanged);
                self.absent.insert(absent, stamp);
                // Kept first and compared after: a change in between has either counted by now, or will
                // find the entry and remove it.
                if !unchanged() {
                    self.absent.remove(&absent);
                }
            }
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            era: self.era.load(Ordering::SeqCst),
            tick: self.clock.now(),
        }
    }

    /// The tick from which on a value is asked about again, though it is still believed.
    pub(crate) fn ripens(&self, value: &L::Value) -> u32 {
        self.ripe(value.stamp(), self.present.hash(value.key()))
    }

    /// Between half and three quarters of the time to live, as the hash has it: what was learnt in one go,
    /// when the cache was filled, is not asked about in one go.
    fn ripe(&self, stamp: Stamp, hash: u64) -> u32 {
        let spread = (u64::from(self.ttl / 4) * (hash >> 48)) >> 16;
        stamp.tick.saturating_add(self.ttl / 2 + spread as u32)
    }

    fn is_fresh(&self, stamp: Stamp, now: u32) -> bool {
        // One more than the difference: where in its tick it was learnt is not known.
        let age = now.saturating_sub(stamp.tick).saturating_add(1);
        age <= self.ttl && stamp.era == self.era.load(Ordering::SeqCst)
    }

    fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Whether to ask about what is known: always, but a store that is away only once in a tick.
    fn may_ask(&self) -> bool {
        if !self.is_away() {
            return true;
        }
        let now = self.clock.now();
        self.tried.swap(now, Ordering::Relaxed) != now
    }

    fn counter(&self, text: &str) -> &AtomicU32 {
        &self.forgotten[self.counter_slot(text)]
    }

    fn counter_slot(&self, text: &str) -> usize {
        self.present.hash(Key { site: 0, text }) as usize % self.forgotten.len()
    }

    fn absent_key(&self, key: Key<'_>) -> u128 {
        let [high, low] = &self.absent_keys;
        u128::from(high.hash_one(key)) << 64 | u128::from(low.hash_one(key))
    }
}

/// A filling of the cache that is under way.
pub(crate) struct Filling {
    /// What its values carry.
    pub(crate) stamp: Stamp,
    /// The counters of changes when it began.
    counters: Box<[u32]>,
}

/// What became of a value that a filling brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// It is in the cache.
    Kept,
    /// The cache knows it already, or it has changed.
    Passed,
    /// There is no room without pushing out what was asked for.
    Full,
    /// Changes may have been missed since the filling began: what it brings is old.
    Distrusted,
}

#[cfg(test)]
mod tests;
