//! The file `lane`: who the lane is, which number comes next, and room for the ledger.
//!
//! ```text
//!    0  u64  magic "WHNCLANE"     64  u64  next number, live
//!    8  u64  version            4096  first half of the ledger
//!   16  u64  lane              69632  second half of the ledger
//!   24  u64  CRC32C of bytes 0..24
//! ```
//!
//! It is created once, whole, and never renamed, grown or removed again; so it can be written while the disk
//! is full. What the ledger's halves hold is known to `ledger.rs`.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    LaneId, Seq,
    error::OpenError,
    fs::{Directory, Fs},
    mapping::{Mapping, Word},
    segment::UNFINISHED,
};

const NAME: &str = "lane";
const MAGIC: u64 = u64::from_le_bytes(*b"WHNCLANE");
const VERSION: u64 = 1;
/// Far from the identity, on a cache line that only the writer stores to.
const NEXT_SEQ: usize = 64;
const HEADER: usize = 4096;

/// Bytes of each half of the ledger: 1,024 entries, so that it is rewritten once in some hundred blocks.
pub(super) const HALF_BYTES: usize = 64 << 10;
/// Bytes of the file.
pub(super) const BYTES: usize = HEADER + 2 * HALF_BYTES;

/// The mapped file.
pub(super) struct Control {
    mapping: Mapping,
    /// Damaged identities are read as none; `identify` sets it.
    lane: Option<LaneId>,
}

impl Control {
    /// Creates the file for a new lane, or for one that lost it; durable on return.
    pub(super) fn create(
        fs: &dyn Fs,
        directory: &dyn Directory,
        dir: &Path,
        lane: LaneId,
    ) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let unfinished = path.with_extension(&UNFINISHED[1..]);
        let make = || {
            let mut control = Self {
                mapping: Mapping::create(fs, &unfinished, BYTES as u64)?,
                lane: None,
            };
            control.identify(lane);
            control.mapping.sync(0..BYTES)?;
            fs.rename(&unfinished, &path)?;
            directory.sync()?;
            Ok(control)
        };
        make().map_err(|source| OpenError::Io {
            operation: "create",
            path: path.clone(),
            source,
        })
    }

    /// Maps the file of an earlier run; none if it is missing or was cut short.
    pub(super) fn open(fs: &dyn Fs, dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join(NAME);
        let failed = |operation, source| OpenError::Io {
            operation,
            path: path.clone(),
            source,
        };
        let mapping = match Mapping::open(fs, &path) {
            Ok(mapping) => mapping,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("map", error)),
        };
        if mapping.len() != BYTES {
            tracing::error!(path = %path.display(), bytes = mapping.len(), "journal control file has a wrong size");
            return Ok(None);
        }
        mapping.keep_apart();
        mapping
            .reserve()
            .map_err(|error| failed("reserve room for", error))?;
        Self::read(mapping, path).map(Some)
    }

    /// Reads what a whole file, or a copy of one, says of itself.
    pub(super) fn read(mapping: Mapping, path: PathBuf) -> Result<Self, OpenError> {
        let words: [u64; 4] = std::array::from_fn(|place| mapping.word(place * 8).load());
        let is_sound = words[0] == MAGIC && words[3] == checksum([words[0], words[1], words[2]]);
        if is_sound && words[1] != VERSION {
            return Err(OpenError::Version {
                path,
                found: words[1] as u32,
                supported: VERSION as u32,
            });
        }
        Ok(Self {
            mapping,
            lane: is_sound.then(|| LaneId::new(words[2])),
        })
    }

    /// The lane, unless the identity is damaged.
    pub(super) fn lane(&self) -> Option<LaneId> {
        self.lane
    }

    /// Writes the identity; it becomes durable with the next sync of the header.
    pub(super) fn identify(&mut self, lane: LaneId) {
        let words = [MAGIC, VERSION, lane.get()];
        words
            .iter()
            .enumerate()
            .for_each(|(place, &word)| self.mapping.word(place * 8).store(word));
        self.mapping.word(24).store(checksum(words));
        self.lane = Some(lane);
    }

    /// The number that the next append will take.
    #[inline]
    pub(super) fn next_seq(&self) -> Seq {
        self.mapping.word(NEXT_SEQ).load()
    }

    /// Tells everyone, also after a kill, that all smaller numbers are taken.
    #[inline]
    pub(super) fn set_next_seq(&self, seq: Seq) {
        self.mapping.word(NEXT_SEQ).store(seq);
    }

    /// Makes identity and next number durable.
    pub(super) fn sync_header(&self) -> io::Result<()> {
        self.mapping.sync(0..HEADER)
    }

    /// Makes the whole file durable, even if an earlier process failed to.
    pub(super) fn sync_again(&mut self) -> io::Result<()> {
        self.mapping.sync_again(0..BYTES)
    }

    /// A word of one half of the ledger.
    pub(super) fn ledger_word(&self, half: usize, at: usize) -> Word<'_> {
        debug_assert!(half < 2 && at < HALF_BYTES);
        self.mapping.word(HEADER + half * HALF_BYTES + at)
    }

    /// Makes a part of one half of the ledger durable.
    pub(super) fn sync_ledger(&self, half: usize, at: usize, bytes: usize) -> io::Result<()> {
        let start = HEADER + half * HALF_BYTES + at;
        self.mapping.sync(start..start + bytes)
    }
}

/// The file itself, to be named in errors.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

fn checksum(words: [u64; 3]) -> u64 {
    u64::from(words.iter().fold(0, |crc, word| {
        crc32c::crc32c_append(crc, &word.to_le_bytes())
    }))
}
