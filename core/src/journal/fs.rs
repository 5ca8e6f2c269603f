//! The few things that a journal asks of a file system, behind a trait, so that a model that forgets what
//! was not synced can take its place in tests. The real one is in `disk.rs`.
//!
//! There is no read and no write: all contents go through mappings.

use std::{io, ops::Range, path::Path, ptr::NonNull, sync::Arc};

/// Directories and files.
pub(super) trait Fs: Send + Sync {
    /// Creates a directory and its missing ancestors; all of them are durable on return.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the directory for this process until what it returns is dropped, or fails with `WouldBlock`.
    fn lock_dir(&self, dir: &Path) -> io::Result<Box<dyn Directory>>;

    /// The names in a directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates or replaces a file of `bytes` zeros whose blocks are allocated and whose size is durable, so
    /// that a store to its mapping can not fail for want of space.
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn Region>>;

    /// Maps a whole existing file; `UnexpectedEof` if it is empty.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Region>>;

    /// Renames a file; durable only after [`Directory::sync`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; durable only after [`Directory::sync`].
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// A directory that belongs to this process.
pub(super) trait Directory: Send + Sync {
    /// Makes the names in it durable. It is open already, so that this needs no file descriptor: one that were
    /// missing after a file has come or gone would leave that in doubt.
    fn sync(&self) -> io::Result<()>;
}

/// A file mapped for reading and writing. Its memory stays valid and in place until it is dropped, also
/// when the file is removed before.
pub(super) trait Region: Send + Sync {
    /// The first byte, aligned to eight.
    fn base(&self) -> NonNull<u8>;

    /// Bytes mapped.
    fn len(&self) -> usize;

    /// Begins to write back the whole pages of a range, which nobody writes to again, so that the sync that makes
    /// them durable finds little left to do. Only a hint; a failure is told by that sync.
    fn write_behind(&self, range: Range<usize>);

    /// Makes a range durable.
    fn sync(&self, range: Range<usize>) -> io::Result<()>;

    /// Allocates blocks where an outsider has left holes, so that no store can fail for want of space.
    fn reserve(&self) -> io::Result<()>;

    /// Keeps pages apart in memory, so that syncing one does not make its neighbours fault. Only a hint; a
    /// region just created has it.
    fn keep_apart(&self);

    /// Takes note that everything behind `start` is zeros and is to be written next. Only a hint.
    fn renew(&self, start: usize);

    /// Brings a range into memory, writable, so that stores to it do not fault. Only a hint.
    fn populate(&self, range: Range<usize>);
}

/// Whether an error says that there is no room for a new file, now.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
