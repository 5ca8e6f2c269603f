//! Where a near cache keeps what there is: a hash table bounded by bytes.
//!
//! Cut into shards, each behind a lock of its own, so that neither a fill nor a growing table holds up more
//! than a thousandth of the links. The key stands in the value and nowhere else. What has to go is found by a
//! hand that sweeps over the shards' buckets: it cools what it passes and takes what is cold already, so
//! that what was asked for once does not push out what is asked for all the time.
//!
//! Whether a value may still be believed does not belong here.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::entry::{Cached, Key};

/// How much a shard is meant to hold: little enough to grow in a fraction of a millisecond.
const SHARD: usize = 256 << 10;
/// The most shards: 64 KiB of them.
const MOST_SHARDS: usize = 1024;
/// How many buckets the hand passes without letting go of a shard.
const STRIDE: usize = 32;

/// A hash table of values that know their keys.
pub(super) struct Table<V> {
    shards: Box<[Shard<V>]>,
    hasher: RandomState,
    limit: usize,
    bytes: AtomicUsize,
    count: AtomicUsize,
    /// The shard that is swept next.
    hand: AtomicUsize,
}

/// A cache line of its own, so that a lock is not slowed by its neighbour's.
#[repr(align(64))]
struct Shard<V>(RwLock<Slots<V>>);

struct Slots<V> {
    table: HashTable<V>,
    /// The bucket that is swept next.
    hand: usize,
}

impl<V: Cached> Table<V> {
    /// Bytes of a slot: the value, a byte of the table's own, and that a table is two thirds full on average.
    const SLOT: usize = (size_of::<V>() + 1) * 3 / 2;

    /// An empty table for values of `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        let shards = (limit / SHARD).next_power_of_two().min(MOST_SHARDS);
        let empty = || {
            Shard(RwLock::new(Slots {
                table: HashTable::new(),
                hand: 0,
            }))
        };
        Self {
            shards: (0..shards).map(|_| empty()).collect(),
            hasher: RandomState::default(),
            limit,
            bytes: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
        }
    }

    /// The hash of a key. Seeded at random: nobody outside can prepare keys that collide.
    pub(super) fn hash(&self, key: Key<'_>) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The value at `key`, whose hash is given.
    pub(super) fn get(&self, hash: u64, key: Key<'_>) -> Option<V> {
        let slots = self.read(hash);
        let value = slots.table.find(hash, |value| value.key() == key)?;
        value.heat().warm();
        Some(value.clone())
    }

    /// Puts a value into its place, where `allowed` still says so in view of what stands there. Nobody
    /// sees or changes that place between its saying so and the putting.
    pub(super) fn insert(&self, value: V, allowed: impl FnOnce(Option<&V>) -> bool) -> bool {
        let hash = self.hash(value.key());
        let weight = value.bytes() + Self::SLOT;
        let mut slots = self.write(hash);
        let entry = slots.table.entry(
            hash,
            |other| other.key() == value.key(),
            |other| self.hash(other.key()),
        );
        match entry {
            Entry::Occupied(mut there) => {
                if !allowed(Some(there.get())) {
                    return false;
                }
                self.bytes
                    .fetch_sub(there.get().bytes() + Self::SLOT, Ordering::Relaxed);
                // What is asked for often is so whatever it says now.
                while there.get().heat().cool() {
                    value.heat().warm();
                }
                *there.get_mut() = value;
            }
            Entry::Vacant(room) => {
                if !allowed(None) {
                    return false;
                }
                room.insert(value);
                self.count.fetch_add(1, Ordering::Relaxed);
            }
        }
        // Before anybody can find it and take it off again.
        self.bytes.fetch_add(weight, Ordering::Relaxed);
        drop(slots);
        self.make_room();
        true
    }

    /// Takes the value at `key` out, where `allowed` still says so.
    pub(super) fn remove(&self, key: Key<'_>, allowed: impl FnOnce() -> bool) {
        let hash = self.hash(key);
        let mut slots = self.write(hash);
        if allowed()
            && let Ok(there) = slots.table.find_entry(hash, |value| value.key() == key)
        {
            let (value, _) = there.remove();
            self.let_go(&value);
        }
    }

    /// How many values it holds.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Bytes of what it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether a value more would push another out, or nearly so.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() >= self.limit - self.limit / 64
    }

    /// Sweeps until the bytes are within their bound.
    fn make_room(&self) {
        while self.bytes() > self.limit && self.len() > 0 {
            let shard = self.hand.fetch_add(1, Ordering::Relaxed) % self.shards.len();
            let mut slots = self.shards[shard]
                .0
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let Slots { table, hand } = &mut *slots;
            for _ in 0..STRIDE.min(table.num_buckets()) {
                *hand = (*hand + 1) % table.num_buckets();
                if let Ok(there) = table.get_bucket_entry(*hand)
                    && !there.get().heat().cool()
                {
                    let (value, _) = there.remove();
                    self.let_go(&value);
                }
            }
        }
    }

    fn let_go(&self, value: &V) {
        self.bytes
            .fetch_sub(value.bytes() + Self::SLOT, Ordering::Relaxed);
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// The bits in the middle of the hash: the table uses those at both ends.
    fn shard(&self, hash: u64) -> &RwLock<Slots<V>> {
        &self.shards[(hash >> 32) as usize % self.shards.len()].0
    }

    // A holder that panicked left the table whole: every step of it is one call into hashbrown.
    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Slots<V>> {
        self.shard(hash)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Slots<V>> {
        self.shard(hash)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
