//! The open file, opened anew after an I/O error.
//!
//! After a failed write the database refuses everything until it is closed and opened: what is in
//! memory may not be what is on the disk. A disk that was full for a minute must not take the links
//! away until somebody restarts the process, so the next use opens it again. What the write that failed
//! was to change may be in the file or not, so whoever remembers anything of it is told to ask again.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{Database, DatabaseError, StorageError};
use tokio::sync::broadcast;

use super::stop::Stop;
use crate::store::{Change, StoreError};

/// A database file that this process holds.
pub(super) struct Opened {
    /// Where it is.
    path: PathBuf,
    slot: RwLock<Slot>,
    /// Who hears that everything must be asked anew.
    changes: broadcast::Sender<Change>,
}

struct Slot {
    /// None between a failure and the next use.
    database: Option<Database>,
    /// Counts the openings, so that of several users of a broken one the first closes it.
    opening: u64,
}

impl Opened {
    /// Opens the file, or makes it and the folders above it.
    pub(super) fn open(
        path: &Path,
        changes: broadcast::Sender<Change>,
    ) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| unavailable(path, &format!("cannot make its folder: {error}")))?;
        }
        let slot = Slot {
            database: Some(open(path)?),
            opening: 0,
        };
        Ok(Self {
            path: path.to_owned(),
            slot: RwLock::new(slot),
            changes,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does something with the database, and closes it where it is of no more use.
    pub(super) fn with<T, E: From<StoreError>>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, Stop<E>>,
    ) -> Result<T, E> {
        let mut slot = self.read();
        if slot.database.is_none() {
            drop(slot);
            self.reopen()?;
            slot = self.read();
        }
        let Some(database) = &slot.database else {
            return Err(unavailable(&self.path, "it failed again just now").into());
        };
        let opening = slot.opening;
        let stop = match act(database) {
            Ok(done) => return Ok(done),
            Err(stop) => stop,
        };
        drop(slot);
        if stop.is_final() {
            self.close(opening);
        }
        Err(stop.into_answer(&self.path))
    }

    fn close(&self, opening: u64) {
        let mut slot = self.write();
        if slot.opening == opening {
            slot.database = None;
            // Said behind the last read of the old one: whoever hears it and asks then reads what is on the disk.
            let _ = self.changes.send(Change::Everything);
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut slot = self.write();
        if slot.database.is_none() {
            slot.database = Some(open(&self.path)?);
            slot.opening += 1;
        }
        Ok(())
    }

    // A panic under the lock leaves at worst a closed file, which the next use opens.
    fn read(&self) -> RwLockReadGuard<'_, Slot> {
        self.slot.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slot> {
        self.slot.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> Result<Database, StoreError> {
    Database::create(path).map_err(|error| {
        let reason = match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                "another process has this link store open, and only one may; \
                 for several processes use a redis:// store"
                    .to_owned()
            }
            DatabaseError::Storage(StorageError::Io(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                "this is not a link store, but some other kind of file".to_owned()
            }
            error => error.to_string(),
        };
        unavailable(path, &reason)
    })
}

fn unavailable(path: &Path, reason: &str) -> StoreError {
    StoreError::Unavailable(format!("{}: {reason}", path.display()))
}
