//! What stands in a near cache: its key, its age and how often it is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What is asked for: a text at one of the sites that the resolver numbers; 0 where the text says all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'t> {
    /// The number of the site.
    pub(crate) site: u32,
    /// A slug, or a host.
    pub(crate) text: &'t str,
}

/// A [`Key`] that outlives whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OwnedKey {
    site: u32,
    text: Box<str>,
}

impl OwnedKey {
    /// The key.
    pub(crate) fn as_key(&self) -> Key<'_> {
        Key {
            site: self.site,
            text: &self.text,
        }
    }
}

impl Key<'_> {
    /// A copy that may be kept.
    pub(crate) fn owned(self) -> OwnedKey {
        OwnedKey {
            site: self.site,
            text: self.text.into(),
        }
    }
}

/// When something was learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// How often everything had been distrusted by then.
    pub(crate) era: u32,
    /// The tick of the cache's clock.
    pub(crate) tick: u32,
}

/// How often something was asked for of late, from 0 to 3: what is hot outlives what was asked for once.
#[derive(Debug, Default)]
pub(crate) struct Heat(AtomicU8);

impl Heat {
    /// Hotter than this says no more: it takes as many sweeps to cool down.
    const MOST: u8 = 3;

    /// Notes that it was asked for. What is hot is not written to, so that threads share it in peace.
    pub(crate) fn warm(&self) {
        let heat = self.0.load(Ordering::Relaxed);
        if heat < Self::MOST {
            self.0.store(heat + 1, Ordering::Relaxed);
        }
    }

    /// Cools it by one; false where it was cold already.
    pub(super) fn cool(&self) -> bool {
        let heat = self.0.load(Ordering::Relaxed);
        if heat > 0 {
            self.0.store(heat - 1, Ordering::Relaxed);
        }
        heat > 0
    }
}

/// What a cache can hold.
pub(crate) trait Cached: Clone + Send + Sync + 'static {
    /// What it is found by.
    fn key(&self) -> Key<'_>;
    /// When it was learnt.
    fn stamp(&self) -> Stamp;
    /// How often it is asked for.
    fn heat(&self) -> &Heat;
    /// Bytes on the heap; always the same for one value.
    fn bytes(&self) -> usize;
}

/// How much memory a value takes.
pub(crate) trait Weight: Send + Sync + 'static {
    /// Bytes on the heap beside the value itself, about.
    fn bytes(&self) -> usize;
}

/// Any value with all that a cache needs beside it; [`Target`](crate::target::Target) has its own.
#[derive(Debug)]
pub(crate) struct Kept<V> {
    /// The value.
    pub(crate) value: V,
    key: OwnedKey,
    stamp: Stamp,
    heat: Heat,
}

impl<V> Kept<V> {
    /// A value as it was learnt.
    pub(crate) fn new(value: V, key: OwnedKey, stamp: Stamp) -> Arc<Self> {
        Arc::new(Self {
            value,
            key,
            stamp,
            heat: Heat::default(),
        })
    }
}

impl<V: Weight> Cached for Arc<Kept<V>> {
    fn key(&self) -> Key<'_> {
        self.key.as_key()
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn heat(&self) -> &Heat {
        &self.heat
    }

    fn bytes(&self) -> usize {
        // The two reference counts stand before the value.
        allocated(2 * size_of::<usize>() + size_of::<Kept<V>>())
            + allocated(self.key.text.len())
            + self.value.bytes()
    }
}

/// What an allocation of so many bytes takes: allocators keep a word of their own and round up to 16.
pub(crate) fn allocated(bytes: usize) -> usize {
    (bytes + size_of::<usize>()).next_multiple_of(16).max(32)
}
