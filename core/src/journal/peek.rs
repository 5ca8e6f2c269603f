//! A look at a lane that another process has open: what its control file says, without a lock and without a
//! change to anything.
//!
//! The file is copied, then read as a start would read it. What is being written in that moment is seen or
//! not; an entry that is half there does not check and is passed over.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use thiserror::Error;

use super::{
    LaneId, Seq,
    control::{self, Control},
    error::OpenError,
    fs::Region,
    ledger::{Ledger, unix_millis},
    mapping::Mapping,
    segment,
};

/// What a lane said of itself a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peek {
    /// The lane.
    pub lane: LaneId,
    /// The highest number that was given out; 0 where none was.
    pub taken: Seq,
    /// All numbers up to it were acked.
    pub freed: Seq,
    /// Blocks that were sealed and wait for their ack.
    pub sealed: usize,
    /// How long ago the oldest of them was sealed.
    pub oldest_sealed: Option<Duration>,
    /// What its segments take on disk, with those that are prepared ahead.
    pub segment_bytes: u64,
}

/// Why a directory could not be looked at.
#[derive(Debug, Error)]
pub enum PeekError {
    /// The file system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// There is a control file, and it says nothing that could be relied on.
    #[error("{} is damaged, or not a journal lane's", path.display())]
    Damaged {
        /// The control file.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error(transparent)]
    Version(OpenError),
}

/// Looks at the lane in `dir`, whoever has it open.
pub fn peek(dir: &Path) -> Result<Peek, PeekError> {
    let seen = ledger(dir)?;
    let ledger = &seen.ledger;
    let failed = |source| PeekError::Io {
        path: dir.to_owned(),
        source,
    };
    let mut segment_bytes = 0;
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if segment::index_of(&entry.file_name().to_string_lossy()).is_some() {
            // One that is gone by now takes nothing.
            segment_bytes += entry.metadata().map_or(0, |file| file.len());
        }
    }
    let oldest = ledger.unacked().front();
    Ok(Peek {
        lane: seen.lane,
        taken: (seen.next_seq.max(1) - 1).max(ledger.end().acked),
        freed: ledger.cursor().acked,
        sealed: ledger.unacked().len(),
        oldest_sealed: oldest
            .map(|seal| Duration::from_millis(unix_millis().saturating_sub(seal.sealed_at))),
        segment_bytes,
    })
}

/// What a control file said a moment ago.
pub(super) struct Seen {
    /// The file.
    pub(super) control: PathBuf,
    /// The lane.
    pub(super) lane: LaneId,
    /// The number that comes next, by its header.
    pub(super) next_seq: Seq,
    /// What was sealed and acked.
    pub(super) ledger: Ledger,
}

/// Reads the control file of the lane in `dir`.
pub(super) fn ledger(dir: &Path) -> Result<Seen, PeekError> {
    let path = control::path(dir);
    let bytes = fs::read(&path).map_err(|source| PeekError::Io {
        path: path.clone(),
        source,
    })?;
    let damaged = || PeekError::Damaged { path: path.clone() };
    if bytes.len() != control::BYTES {
        return Err(damaged());
    }
    let mapping = Mapping::new(Arc::new(InMemory::of(&bytes)));
    let control = Control::read(mapping, path.clone()).map_err(PeekError::Version)?;
    let lane = control.lane().or_else(|| Ledger::witness(&control));
    let lane = lane.ok_or_else(damaged)?;
    let control = Arc::new(control);
    let ledger = Ledger::load(&control, lane).ok_or_else(damaged)?;
    Ok(Seen {
        next_seq: control.next_seq(),
        control: path,
        lane,
        ledger,
    })
}

/// A file's bytes in memory, in place of its mapping.
struct InMemory(Box<[AtomicU64]>);

impl InMemory {
    fn of(bytes: &[u8]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_ne_bytes(*word).into());
        Self(words.collect())
    }
}

/// Nothing that is done to a copy reaches a disk.
impl Region for InMemory {
    fn base(&self) -> NonNull<u8> {
        NonNull::from(&*self.0).cast()
    }

    fn len(&self) -> usize {
        self.0.len() * 8
    }

    fn write_behind(&self, _: Range<usize>) {}

    fn sync(&self, _: Range<usize>) -> io::Result<()> {
        Ok(())
    }

    fn reserve(&self) -> io::Result<()> {
        Ok(())
    }

    fn keep_apart(&self) {}

    fn renew(&self, _: usize) {}

    fn populate(&self, _: Range<usize>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{LaneOptions, open};

    #[test]
    fn a_lane_is_seen_while_another_has_it_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lane-0");
        let options = LaneOptions {
            segment_bytes: 1 << 16,
            max_record_bytes: 1000,
            ..LaneOptions::default()
        };
        let (mut writer, mut reader) = open(&path, options).unwrap();
        for n in 0..10_u8 {
            writer.append(&[n; 100]).unwrap();
        }
        let block = reader.next_block(1 << 20, 4).unwrap().unwrap();
        reader.next_block(1 << 20, 3).unwrap().unwrap();
        reader.ack(block.id()).unwrap();
        let seen = peek(&path).unwrap();
        assert_eq!(
            (seen.lane, seen.taken, seen.freed, seen.sealed),
            (writer.lane(), 10, 4, 1)
        );
        assert_eq!((reader.taken(), reader.freed()), (10, 4));
        assert!(seen.oldest_sealed.is_some_and(|age| age.as_secs() < 60));
        assert!(seen.segment_bytes >= 2 << 16, "{seen:?}");
    }

    #[test]
    fn what_is_no_lane_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let error = peek(dir.path()).unwrap_err().to_string();
        assert!(error.contains("lane"), "{error}");
        fs::write(dir.path().join("lane"), vec![0; control::BYTES]).unwrap();
        let error = peek(dir.path()).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }
}
