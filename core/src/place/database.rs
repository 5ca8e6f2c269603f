//! A file in MaxMind's format that is held in memory and read again when it changes, and what its records say.
//!
//! What a record means is the business of those who have one: [`Places`](super::Places), [`Networks`](super::Networks).

use std::fs::Metadata;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader, WithinOptions};
use quick_cache::sync::Cache;
use thiserror::Error;

use super::Occasion;
use crate::config::DatabaseMissing;

/// How many records are remembered as they were read. All countries, or the cities and networks that a busy site meets in
/// an hour: some hundred bytes each.
const REMEMBERED: usize = 16_384;

/// A database cannot be used.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// There is none.
    #[error(transparent)]
    Missing(#[from] DatabaseMissing),
    /// It cannot be read.
    #[error("{key}: {path}: {source}")]
    Unreadable {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
    /// It is of something else.
    #[error("{key}: {path} holds no {wanted}; it says that it is {kind:?}")]
    OfSomethingElse {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
        /// What the file calls itself.
        kind: String,
    },
}

/// A record of a file.
pub(super) type Found<'r> = LookupResult<'r, Vec<u8>>;

/// What a kind of file says of an address.
pub(super) trait Record: Default {
    /// The key of the configuration that names the file.
    const KEY: &'static str;
    /// What the file must hold, in a word.
    const WANTED: &'static str;

    /// Reads a record. What cannot be read is left out.
    fn read(found: &Found<'_>) -> Self;

    /// Whether the record shows that the file is of this kind.
    fn proves(&self) -> bool;
}

/// The file in memory: one that is replaced while we read it cannot hurt. Shared by threads.
#[derive(Debug)]
pub(super) struct Database<R> {
    path: PathBuf,
    held: RwLock<Held<R>>,
    /// The file that was looked at last, whether or not it could be used: so that a bad one is told of once.
    seen: Mutex<Option<Stamp>>,
    nothing: Arc<R>,
}

/// One state of the file.
#[derive(Debug)]
struct Held<R> {
    reader: Reader<Vec<u8>>,
    /// What was read, by the record's place in the file.
    read: Cache<usize, Arc<R>>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// A file that takes another's place may have its time and length.
    inode: u64,
}

impl<R: Record> Database<R> {
    /// Reads a file.
    pub(super) fn open(path: PathBuf) -> Result<Self, DatabaseError> {
        let seen = Mutex::new(stamp(&path));
        let held = RwLock::new(read(&path)?);
        Ok(Self {
            path,
            held,
            seen,
            nothing: Arc::default(),
        })
    }

    /// What the file says of an address. A record that was met before costs no allocation. A damaged one is as good
    /// as none: it may cost a click its place, never the click.
    pub(super) fn of(&self, address: IpAddr) -> Arc<R> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let Ok(found) = held.reader.lookup(address) else {
            return Arc::clone(&self.nothing);
        };
        let Some(place) = found.offset() else {
            return Arc::clone(&self.nothing);
        };
        if let Some(known) = held.read.get(&place) {
            return known;
        }
        let record = Arc::new(R::read(&found));
        held.read.insert(place, Arc::clone(&record));
        record
    }

    /// Nothing, as it is said of an address that is nowhere.
    pub(super) fn nothing(&self) -> Arc<R> {
        Arc::clone(&self.nothing)
    }

    /// Reads the file again, if there is a reason to, and says in the log what came of it: where it cannot be used, what
    /// was read before stays. Blocks for as long as the reading takes; look-ups meanwhile do not wait for it.
    pub(super) fn refresh(&self, occasion: Occasion) {
        let (key, path) = (R::KEY, self.path.display());
        let now = stamp(&self.path);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if occasion == Occasion::Passing && *seen == now {
                return;
            }
            // What changes while it is read differs from this again, and is read once more.
            *seen = now;
        }
        match self.reload() {
            Ok(built) => tracing::info!(key, %path, built, "a database was read again"),
            Err(error) => tracing::error!(%error, "the database stays as it was"),
        }
    }

    /// Puts the file as it is now in the place of what was read before; says when it was built, in seconds since 1970.
    fn reload(&self) -> Result<u64, DatabaseError> {
        let new = read(&self.path)?;
        let built = new.reader.metadata().build_epoch;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *held, new);
        // Look-ups go on before the old one is freed, which takes longer.
        drop(held);
        drop(old);
        Ok(built)
    }

    /// Each network of the file with what is said of it.
    #[cfg(test)]
    pub(super) fn each(&self, mut see: impl FnMut(R)) {
        let held = self.held.read().unwrap();
        for found in held.reader.networks(WithinOptions::default()).unwrap() {
            see(R::read(&found.unwrap()));
        }
    }
}

/// None where there is no file.
fn stamp(path: &Path) -> Option<Stamp> {
    let of = |metadata: Metadata| Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        inode: metadata.ino(),
    };
    std::fs::metadata(path).ok().map(of)
}

fn read<R: Record>(path: &Path) -> Result<Held<R>, DatabaseError> {
    let unreadable = |source| DatabaseError::Unreadable {
        key: R::KEY,
        path: path.to_owned(),
        source,
    };
    let reader = Reader::open_readfile(path).map_err(unreadable)?;
    // The first networks of a fitting file show it; only an unfitting one is read to its end.
    let fits = reader
        .networks(WithinOptions::default())
        .map_err(unreadable)?
        .any(|found| found.is_ok_and(|found| R::read(&found).proves()));
    if !fits {
        return Err(DatabaseError::OfSomethingElse {
            key: R::KEY,
            path: path.to_owned(),
            wanted: R::WANTED,
            kind: reader.metadata().database_type.clone(),
        });
    }
    let read = Cache::new(REMEMBERED);
    Ok(Held { reader, read })
}

/// A text of a record, where there is one at any of `paths`.
pub(super) fn text<'r>(found: &Found<'r>, paths: &[&[PathElement<'_>]]) -> Option<&'r str> {
    paths
        .iter()
        .find_map(|path| found.decode_path::<&str>(path).ok().flatten())
}

/// A number of a record, where there is one.
pub(super) fn number(found: &Found<'_>, path: &[PathElement<'_>]) -> Option<u32> {
    found.decode_path::<u32>(path).ok().flatten()
}
