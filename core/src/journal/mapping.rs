//! A mapped region, seen as words. This and `segment.rs` are the two places that touch mapped memory.
#![allow(unsafe_code)] // Mapped memory is reached by address.

use std::{
    io,
    ops::Range,
    path::Path,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::fs::{Fs, Region};

/// Pages are made dirty again by one store in each; smaller than or equal to every page in use.
const SMALLEST_PAGE: usize = 4096;

/// A mapped file.
pub(super) struct Mapping {
    region: Arc<dyn Region>,
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory belongs to the region, which is Send and Sync; this type itself only reaches it through
// atomics, and whoever takes `base` answers for what it does there.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(super) fn new(region: Arc<dyn Region>) -> Self {
        // A trailing part of a word, left by an outsider, is not used.
        let len = region.len() / 8 * 8;
        Self {
            base: region.base(),
            len,
            region,
        }
    }

    pub(super) fn create(fs: &dyn Fs, path: &Path, bytes: u64) -> io::Result<Self> {
        fs.create(path, bytes).map(Self::new)
    }

    pub(super) fn open(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        fs.open(path).map(Self::new)
    }

    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The eight bytes at `at`, as a little-endian number that several threads may touch.
    #[inline]
    pub(super) fn word(&self, at: usize) -> Word<'_> {
        assert!(
            at.is_multiple_of(8) && at < self.len,
            "word {at} lies outside of a mapping of {}",
            self.len
        );
        // SAFETY: inside the mapping, aligned, and alive as long as `self`. Bytes that are read as words are
        // only written as words while they are shared; the frames of a segment are not read by this function.
        Word(unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(at).cast()) })
    }

    pub(super) fn write_behind(&self, range: Range<usize>) {
        self.region.write_behind(range);
    }

    pub(super) fn sync(&self, range: Range<usize>) -> io::Result<()> {
        self.region.sync(range)
    }

    pub(super) fn reserve(&self) -> io::Result<()> {
        self.region.reserve()
    }

    pub(super) fn keep_apart(&self) {
        self.region.keep_apart();
    }

    pub(super) fn renew(&self, start: usize) {
        self.region.renew(start);
    }

    pub(super) fn populate(&self, range: Range<usize>) {
        self.region.populate(range);
    }

    /// Syncs a range that an earlier process may have failed to sync: the kernel then holds the pages for
    /// clean although the disk never got them, so each is made dirty again first. The caller is alone.
    pub(super) fn sync_again(&mut self, range: Range<usize>) -> io::Result<()> {
        let start = range.start / SMALLEST_PAGE * SMALLEST_PAGE;
        for page in (start..range.end.min(self.len)).step_by(SMALLEST_PAGE) {
            let word = self.word(page).0;
            word.store(word.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        if range.is_empty() {
            Ok(())
        } else {
            self.sync(range)
        }
    }
}

/// A little-endian number in mapped memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a>(&'a AtomicU64);

impl Word<'_> {
    #[inline]
    pub(super) fn load(self) -> u64 {
        u64::from_le(self.0.load(Ordering::Acquire))
    }

    #[inline]
    pub(super) fn store(self, value: u64) {
        self.0.store(value.to_le(), Ordering::Release);
    }
}
