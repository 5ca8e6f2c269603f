//! One engine for one data directory: a lock on a file in it, which the system gives back when its
//! holder dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

/// The lock's file inside the data directory.
const FILE: &str = "whence.lock";
/// How often a held lock is tried again: short beside the engine's own start of half a second.
const RETRY: Duration = Duration::from_millis(50);

/// The data directory cannot be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another engine works on it.
    #[error("the data directory {} is in use by process {holder}; stop it, or name another directory", path.display())]
    Held {
        /// The directory.
        path: PathBuf,
        /// The process that wrote its number into the lock.
        holder: String,
    },
    /// The directory cannot be made or the lock not be opened.
    #[error("cannot use the data directory {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A data directory that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

/// Makes the directory if need be and locks it, waiting up to `patience` for a holder that is on its way out.
pub(super) fn lock(path: &Path, patience: Duration) -> Result<DirectoryLock, LockError> {
    let failed = |source| LockError::Io {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(path).map_err(failed)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join(FILE))
        .map_err(failed)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(RETRY),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
        }
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(DirectoryLock { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_and_is_free_again_after_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("new/engine");
        let held = lock(&path, Duration::ZERO).unwrap();
        let error = lock(&path, Duration::from_millis(60))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&std::process::id().to_string()) && error.contains("engine"),
            "{error}"
        );
        drop(held);
        lock(&path, Duration::ZERO).unwrap();
    }
}
