//! The journal: what a service accepted and did not yet hand on, on local disk.
//!
//! It holds opaque payloads and knows nothing of clicks, of HTTP or of ingest. One **lane** belongs to one
//! writing thread and is one directory; `(lane, sequence number)` is unique for ever. This page is the
//! description of the format, its rules and its recovery; the layouts stand at the head of each module.
//!
//! ```text
//! <journal>/<name of lane>/
//!     lane                        control.rs   identity, next number, and the ledger (ledger.rs)
//!     00000000000000000007.seg    segment.rs   preallocated, mapped; frames (frame.rs) one behind another
//!     00000000000000000008.seg                 the next one, prepared ahead
//!     *.new                                    a file in the making, swept away at the next start
//! ```
//!
//! # The way of a record
//!
//! 1. [`LaneWriter::append`] copies it into the mapping and publishes its length last. No system call, no
//!    lock, no allocation. From here on it survives the death of the process.
//! 2. The keeper, a background thread, begins to write back each 64 KiB, and syncs every `sync_interval`, or at
//!    once when someone waits on [`LaneWriter::durable`]. From here on it survives power loss.
//! 3. [`LaneReader::next_block`] syncs what a block covers, appends the seal to the ledger, syncs that, and
//!    only then returns the [`Block`]. From here on the block is the same for ever, under the same id.
//! 4. [`LaneReader::ack`] appends the cursor to the ledger and syncs it, then removes segments that hold
//!    nothing else, then syncs the directory.
//!
//! # Rules
//!
//! - Numbers have no gaps: a refused record takes its number, and the control file's header remembers it
//!   across a kill. After power loss the next number is the largest of: the header as it was last synced, the
//!   last record, the last seal. So a number that was handed out in a block is never used again; numbers of
//!   records that power loss took may be.
//! - A file appears under its name only when it is whole: made as `*.new`, synced, renamed, directory synced.
//!   The control file is made once and holds the ledger, so that sealing and acking need no room on disk.
//! - Segments are made of real blocks ahead of use; the mapping can not fault for want of space. Copy-on-write
//!   file systems (Btrfs, ZFS) can not promise that: there, leave room on the volume.
//! - An append waits for nothing: the keeper brings pages into memory ahead of the pen, and a sync makes the
//!   pen leave the rest of the page that is under way to the disk empty (half a page a sync, on average). The
//!   keeper asks the kernel for little at a time and offers its core in between: it may share it with the pen.
//! - A failed sync poisons the lane: every later append, seal and ack fails by name, and the process must end.
//!   The next start makes every page in doubt dirty again before it syncs, because the kernel takes pages
//!   whose write-back failed for clean.
//! - A full lane (its cap, or the disk) refuses records, stays readable, and goes on by itself when acks have
//!   freed a segment. While it is full, refusing costs no system call.
//!
//! # Recovery
//!
//! Sealed blocks are read as the ledger says. Behind the last seal, frames are walked: where one does not
//! check, every multiple of eight is tried until one does. If none follows in the whole lane, this is a torn
//! tail and is wiped; else it is damage in the middle: it is passed over, counted, reported with its numbers
//! when it is reached, and its numbers stay missing. Checksums start from the random id of the lane, so bytes
//! inside a payload are never taken for a frame. A sealed block that was damaged is handed out with what
//! still checks, under its id. A damaged entry of the ledger is restored from its neighbours; only damage to
//! its very last entry is taken for a torn write. Identity is kept in the control file, in the heads of the
//! ledger and in every segment; any of them will do.
//!
//! Deliberately absent: compression, encryption, several writers on a lane, reading by number, and a refusal
//! to start for damaged records. A sector that can not be read at all raises SIGBUS: move that file away.

use std::{fmt, io, path::Path, sync::Arc};

mod block;
mod control;
mod disk;
mod error;
mod frame;
mod fs;
mod keeper;
mod lane;
mod ledger;
mod mapping;
mod options;
mod pages;
mod peek;
mod reader;
mod recovery;
mod scan;
mod segment;
mod sync;
mod walk;
mod wipe;
mod writer;

#[cfg(test)]
mod tests;

pub use block::{BLOCK_HEADER_BYTES, Block, BlockError, BlockId, BlockIdError, MAX_BLOCK_BYTES};
pub use error::{AckError, AppendError, DurableError, OpenError, Poisoned, ReadError};
pub use options::{Durability, LaneOptions, MAX_RECORD_BYTES};
pub use peek::{Peek, PeekError, peek};
pub use reader::{Backlog, LaneReader, Lost};
pub use wipe::wipe;
pub use writer::LaneWriter;

/// The number of a record in its lane, counted from 1 without gaps.
pub type Seq = u64;

/// A lane's name for ever: random, made with its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(u64);

impl LaneId {
    /// The lane with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    fn random() -> io::Result<Self> {
        getrandom::u64().map(Self).map_err(io::Error::other)
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Opens the lane in `dir`, recovering what an earlier process left there, or creates it. The directory is
/// locked against any second opening until both ends are dropped.
pub fn open(dir: &Path, options: LaneOptions) -> Result<(LaneWriter, LaneReader), OpenError> {
    let recovered = recovery::open(Arc::new(disk::Disk), dir, options)?;
    let lane = Arc::clone(&recovered.lane);
    let keeper =
        keeper::KeeperThread::start(Arc::clone(&lane)).map_err(|source| OpenError::Io {
            operation: "start the thread of",
            path: dir.to_owned(),
            source,
        })?;
    let keeper = Arc::new(keeper);
    let writer = LaneWriter::new(Arc::clone(&lane), recovered.pen, Some(Arc::clone(&keeper)));
    Ok((
        writer,
        LaneReader::new(lane, recovered.ledger, Some(keeper)),
    ))
}
