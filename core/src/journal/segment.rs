//! One segment file: a header, then frames up to the first that was not written.
//!
//! ```text
//!  0  u64  magic "WSEGMENT"      16  u64  lane
//!  8  u32  version               24  u64  index of the segment in the lane
//! 12  u32  CRC32C of bytes 16..32, started from the version
//! 32       zeros                 64       frames
//! ```
//!
//! One `Pen` writes to it; everyone else sees the published part, which never changes. Which segments a
//! lane has, and when they come and go, is not known here.
#![allow(unsafe_code)] // Frames are copied into mapped memory beside readers of what was published before.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use super::{
    LaneId, Seq,
    error::OpenError,
    frame::{self, Seed},
    fs::Fs,
    mapping::Mapping,
};

/// Bytes before the first frame: a cache line.
pub(super) const HEADER: usize = 64;

const MAGIC: u64 = u64::from_le_bytes(*b"WSEGMENT");
const VERSION: u32 = 1;
const EXTENSION: &str = ".seg";

/// The unit in which the kernel syncs. Where pages are larger, an append may wait for one that is synced.
pub(super) const PAGE: usize = 4096;

/// The name of a file in the making; it is swept away at the next start.
pub(super) const UNFINISHED: &str = ".new";

/// A mapped segment.
pub(super) struct Segment {
    index: u64,
    path: PathBuf,
    mapping: Mapping,
    /// Everything before it is published. Only the pen moves it, once the segment is shared.
    tail: AtomicUsize,
    /// Everything before it was synced. Only whoever holds the lane's sync lock moves it.
    synced: AtomicUsize,
    /// Whole pages before it are being written back, or were. Moved as `synced` is.
    written_behind: AtomicUsize,
    /// The pen goes on behind it: the page before it is being synced, or was.
    clear: AtomicUsize,
}

impl Segment {
    /// Creates the file whole, under its name; the caller syncs the directory before it relies on it.
    pub(super) fn create(
        fs: &dyn Fs,
        dir: &Path,
        lane: LaneId,
        index: u64,
        bytes: u64,
    ) -> io::Result<Self> {
        let path = dir.join(name(index));
        let unfinished = path.with_extension(&UNFINISHED[1..]);
        let finish = || {
            let mapping = Mapping::create(fs, &unfinished, bytes)?;
            let words = header(lane, index);
            words
                .iter()
                .enumerate()
                .for_each(|(place, &word)| mapping.word(place * 8).store(word));
            mapping.sync(0..HEADER)?;
            fs.rename(&unfinished, &path)?;
            Ok(mapping)
        };
        let mapping = finish().inspect_err(|_: &io::Error| {
            // Its room is wanted; what is left of it after a second error is swept at the next start.
            let _ = fs.remove(&unfinished);
        })?;
        Ok(Self::new(index, path, mapping, HEADER))
    }

    /// Maps a segment of an earlier run, all of it published, and tells the lane that it says it belongs to
    /// unless its header is damaged.
    pub(super) fn open(
        fs: &dyn Fs,
        dir: &Path,
        index: u64,
    ) -> Result<(Self, Option<LaneId>), OpenError> {
        let path = dir.join(name(index));
        let mapping = match Mapping::open(fs, &path) {
            Ok(mapping) => mapping,
            Err(source) => {
                return Err(OpenError::Io {
                    operation: "map segment",
                    path,
                    source,
                });
            }
        };
        let mut lane = None;
        if mapping.len() >= HEADER {
            let words: [u64; 4] = std::array::from_fn(|place| mapping.word(place * 8).load());
            let version = words[1] as u32;
            if words[0] == MAGIC && (words[1] >> 32) as u32 == checksum(version, words[2], words[3])
            {
                if version != VERSION {
                    return Err(OpenError::Version {
                        path,
                        found: version,
                        supported: VERSION,
                    });
                }
                lane = Some(LaneId::new(words[2]));
            }
        }
        let end = mapping.len();
        Ok((Self::new(index, path, mapping, end), lane))
    }

    fn new(index: u64, path: PathBuf, mapping: Mapping, end: usize) -> Self {
        Self {
            index,
            path,
            mapping,
            tail: end.into(),
            synced: end.into(),
            written_behind: end.into(),
            clear: 0.into(),
        }
    }

    pub(super) fn index(&self) -> u64 {
        self.index
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> usize {
        self.mapping.len()
    }

    pub(super) fn tail(&self) -> usize {
        self.tail.load(Ordering::Acquire)
    }

    /// Header and frames that were published.
    pub(super) fn published(&self) -> &[u8] {
        let tail = self.tail();
        // SAFETY: inside the mapping. The pen stored the tail after these bytes and writes only behind it.
        unsafe { std::slice::from_raw_parts(self.mapping.base().as_ptr(), tail) }
    }

    /// Ends the segment at `tail` for recovery: what follows becomes zeros. True if that changed anything.
    pub(super) fn truncate(&mut self, tail: usize) -> bool {
        self.end_at(tail);
        let len = self.mapping.len();
        // SAFETY: inside the mapping, and `&mut self` says that nobody else looks at it.
        let rest = unsafe {
            std::slice::from_raw_parts_mut(self.mapping.base().as_ptr().add(tail), len - tail)
        };
        let Some(used) = rest.iter().rposition(|&byte| byte != 0) else {
            return false;
        };
        rest[..=used].fill(0);
        *self.synced.get_mut() = (tail + used + 1).min(len);
        true
    }

    /// Ends the segment at `tail` for recovery, and leaves what follows alone.
    pub(super) fn end_at(&mut self, tail: usize) {
        *self.tail.get_mut() = tail;
        *self.written_behind.get_mut() = tail;
    }

    /// Makes everything from `start` on durable, even if an earlier process failed to.
    pub(super) fn sync_again(&mut self, start: usize) -> io::Result<()> {
        let end = *self.tail.get_mut().max(self.synced.get_mut());
        let end = end.min(self.mapping.len());
        self.mapping.sync_again(start.min(end)..end)?;
        *self.synced.get_mut() = *self.tail.get_mut();
        Ok(())
    }

    pub(super) fn reserve(&self) -> io::Result<()> {
        self.mapping.reserve()
    }

    /// Makes ready for writing what recovery has only read, and found empty.
    pub(super) fn renew(&self) {
        self.mapping.keep_apart();
        self.mapping.renew(self.tail());
    }

    pub(super) fn populate(&self, range: Range<usize>) {
        self.mapping.populate(range);
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Relaxed) >= self.tail()
    }

    /// Begins to write back the pages that were filled since the last time. The caller holds the lane's sync lock.
    pub(super) fn write_behind(&self) {
        let (start, end) = (
            self.written_behind.load(Ordering::Relaxed),
            self.tail() / PAGE * PAGE,
        );
        if start < end {
            self.mapping.write_behind(start..end);
            self.written_behind.store(end, Ordering::Relaxed);
        }
    }

    /// Syncs what was published since the last time. The caller holds the lane's sync lock.
    pub(super) fn sync(&self) -> io::Result<()> {
        let (start, end) = (self.synced.load(Ordering::Relaxed), self.tail());
        if start < end {
            // A store to a page that is being written back faults, and may wait for the disk. So the pen
            // leaves the rest of this page empty; readers cross empty space between frames.
            self.clear.store(
                end.next_multiple_of(PAGE).min(self.len()),
                Ordering::Relaxed,
            );
            self.write_behind();
            self.mapping.sync(start..end)?;
            self.synced.store(end, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The only writer of a segment.
pub(super) struct Pen {
    segment: Arc<Segment>,
    at: usize,
}

impl Pen {
    /// Takes over a segment that no other pen writes to.
    pub(super) fn new(segment: Arc<Segment>) -> Self {
        Self {
            at: segment.tail(),
            segment,
        }
    }

    /// Bytes that still fit.
    #[inline]
    pub(super) fn room(&mut self) -> usize {
        self.at = self.at.max(self.segment.clear.load(Ordering::Relaxed));
        self.segment.mapping.len() - self.at
    }

    /// Writes and publishes one frame. The caller has made sure that there is room.
    #[inline]
    pub(super) fn write(&mut self, seed: Seed, seq: Seq, payload: &[u8]) {
        let bytes = frame::size(payload.len());
        assert!(
            bytes <= self.room(),
            "a frame of {bytes} bytes does not fit"
        );
        // SAFETY: the room was just checked.
        let start = unsafe { self.segment.mapping.base().as_ptr().add(self.at) };
        // SAFETY: inside the mapping and behind the tail, where only this pen goes: readers stop at the tail.
        let space = unsafe { std::slice::from_raw_parts_mut(start, bytes) };
        let length = frame::fill(space, seed, seq, payload);
        // SAFETY: frames start at multiples of eight, so the word is aligned; `space` is no longer used.
        let published = unsafe { AtomicU32::from_ptr(start.cast()) };
        // After a kill, whoever finds the length finds the frame: the store comes after those of `fill`.
        published.store(length.to_le(), Ordering::Release);
        self.at += bytes;
        self.segment.tail.store(self.at, Ordering::Release);
    }
}

fn name(index: u64) -> String {
    format!("{index:020}{EXTENSION}")
}

/// The index in the name of a segment file; none for any other name.
pub(super) fn index_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

fn header(lane: LaneId, index: u64) -> [u64; 4] {
    let crc = checksum(VERSION, lane.get(), index);
    [
        MAGIC,
        u64::from(VERSION) | u64::from(crc) << 32,
        lane.get(),
        index,
    ]
}

fn checksum(version: u32, lane: u64, index: u64) -> u32 {
    crc32c::crc32c_append(
        crc32c::crc32c_append(version, &lane.to_le_bytes()),
        &index.to_le_bytes(),
    )
}
