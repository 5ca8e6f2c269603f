//! What can go wrong, by operation. Each error names the file or the number at fault.

use std::{io, path::PathBuf, sync::Arc};

use thiserror::Error;

use super::{BlockId, LaneId, Seq};

/// Why a lane was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A setting makes no sense.
    #[error("journal option {field} {problem}")]
    Options {
        /// The field of `LaneOptions`.
        field: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// Another process, or another part of this one, has the lane open.
    #[error("lane {} is in use by another process", dir.display())]
    Locked {
        /// The directory of the lane.
        dir: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A file was written by a newer program.
    #[error("{} has format version {found}; this program reads version {supported}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that this program writes.
        supported: u32,
    },
    /// A segment of another lane lies in the directory.
    #[error("{} belongs to lane {found}, not to lane {expected} whose directory it is in", path.display())]
    Foreign {
        /// The segment.
        path: PathBuf,
        /// The lane that wrote it.
        found: LaneId,
        /// The lane of the directory.
        expected: LaneId,
    },
    /// Nothing in the directory tells any more which lane it is.
    #[error("{}: no file tells the id of the lane; move the directory away to start a new lane", dir.display())]
    NoIdentity {
        /// The directory of the lane.
        dir: PathBuf,
    },
}

/// A sync failed, so what is on disk is no longer known. The lane takes and gives nothing more; the process
/// must end, and the next one recovers what the disk has.
#[derive(Debug, Clone, Error)]
#[error("journal is poisoned: cannot {} {}: {}", .0.operation, .0.path.display(), .0.source)]
pub struct Poisoned(Arc<Failure>);

#[derive(Debug)]
struct Failure {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Poisoned {
    pub(super) fn new(operation: &'static str, path: PathBuf, source: io::Error) -> Self {
        Self(Arc::new(Failure {
            operation,
            path,
            source,
        }))
    }
}

/// Why a record was not stored. Its number is taken all the same, so that the loss shows in the sequence.
#[derive(Debug, Clone, Error)]
pub enum AppendError {
    /// The lane has reached its cap, or the disk is full; appends resume when blocks are acked.
    #[error("journal is full: record {seq} was not stored")]
    Full {
        /// The number that was taken.
        seq: Seq,
    },
    /// The record alone is too large; others are not affected.
    #[error("record {seq} of {bytes} bytes was not stored: the limit is {limit}")]
    TooLarge {
        /// The number that was taken.
        seq: Seq,
        /// Its size.
        bytes: usize,
        /// The largest size that the lane takes.
        limit: usize,
    },
    /// The lane is out of order for good.
    #[error("record {seq} was not stored: {cause}")]
    Poisoned {
        /// The number that was taken.
        seq: Seq,
        /// What happened to the lane.
        cause: Poisoned,
    },
}

impl AppendError {
    /// The number that the refused record took.
    pub fn seq(&self) -> Seq {
        match self {
            Self::Full { seq } | Self::TooLarge { seq, .. } | Self::Poisoned { seq, .. } => *seq,
        }
    }
}

/// Why a record will not become durable.
#[derive(Debug, Clone, Error)]
pub enum DurableError {
    /// A sync failed.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The lane was closed before a sync covered the record.
    #[error("journal was closed before record {seq} was synced")]
    Closed {
        /// The record.
        seq: Seq,
    },
}

/// Why no block was handed out.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The lane is out of order for good.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// So many blocks are under way that the ledger has no room; ack one first.
    #[error("{limit} blocks are sealed and not acked")]
    TooManyUnacked {
        /// The most blocks that may be under way.
        limit: usize,
    },
}

/// Why a block was not acked.
#[derive(Debug, Error)]
pub enum AckError {
    /// The lane is out of order for good.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// Blocks are acked in the order in which they were handed out, each once.
    #[error("block {id} is not the oldest block that waits for its ack")]
    NotOldest {
        /// The block that was to be acked.
        id: BlockId,
    },
    /// The block is acked for good, but its segment could not be removed; the next ack tries again.
    #[error("cannot remove {}: {source}", path.display())]
    Remove {
        /// The segment.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}
