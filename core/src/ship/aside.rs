//! Blocks that were set aside: refused for good by everybody, kept on the node until somebody sends them again
//! or drops them.
//!
//! ```text
//! <lane>/aside/
//!     <block id>.block     the block, byte for byte as it would have travelled
//!     <block id>.json      what is known of it, for people
//!     <block id>.resend    empty: somebody wants it sent again
//!     *.new                a file in the making, swept away
//! ```
//!
//! A block is set aside once both files are durable, note first; only then is it acked in the lane. A crash before
//! the ack has it offered again under the same id: if it is refused again the same files are written again, and
//! if it arrives they are removed. Requests are files so that whoever ships the lane, now or after its next start,
//! sends the block the way that all blocks go. A block is there as long as its `.block` is, which goes first.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Records;
use crate::click::bounded;
use crate::journal::{Block, BlockError, BlockId, MAX_BLOCK_BYTES};

const DIRECTORY: &str = "aside";
const BLOCK: &str = "block";
const NOTE: &str = "json";
const RESEND: &str = "resend";
const UNFINISHED: &str = "new";
/// A note is for people: longer reasons are cut when they are written, so a longer file is not one.
const LONGEST_NOTE: u64 = 64 << 10;
/// What is kept of a reason: some ClickHouse exceptions quote a whole query.
const LONGEST_REASON: usize = 8 << 10;

/// What is known of a block that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The block's id.
    pub block: String,
    /// The service that journalled it.
    pub service: String,
    /// What is in it.
    pub records: Records,
    /// How many records it has.
    pub count: u32,
    /// Why it was refused the last time.
    pub reason: String,
    /// When it was set aside.
    pub set_aside_at: Timestamp,
    /// When it was refused the last time.
    pub refused_at: Timestamp,
}

/// A block that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: BlockId,
    /// Its size.
    pub bytes: u64,
    /// What is known of it; none where its file is missing or damaged.
    pub note: Option<Note>,
    /// Whether it is to be sent again.
    pub is_requested: bool,
}

/// What could not be done with blocks that were set aside.
#[derive(Debug, Error)]
pub enum AsideError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The file is not the block that its name says.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such block.
    #[error("block {id} is not among those set aside in {}", dir.display())]
    Missing {
        /// The block.
        id: BlockId,
        /// Where it was looked for.
        dir: PathBuf,
    },
}

/// Where a lane's blocks are set aside.
#[derive(Clone, Debug)]
pub struct Aside {
    lane: PathBuf,
    dir: PathBuf,
}

impl Aside {
    /// Of the lane in this directory; nothing is made before a block is set aside.
    #[must_use]
    pub fn of(lane: &Path) -> Self {
        Self {
            lane: lane.to_owned(),
            dir: lane.join(DIRECTORY),
        }
    }

    /// Sets a block aside; durable on return.
    pub fn put(&self, block: &Block, note: &Note) -> Result<(), AsideError> {
        let failed = |source| self.failed(source);
        fs::create_dir_all(&self.dir).map_err(failed)?;
        sync_dir(&self.lane).map_err(failed)?;
        self.write_note(block.id(), note)?;
        self.write(block.id(), BLOCK, block.wire())?;
        sync_dir(&self.dir).map_err(failed)
    }

    /// Takes the request back for a block that was refused again, and notes why.
    pub(super) fn refused_again(&self, id: BlockId, why: &str) -> Result<(), AsideError> {
        self.withdraw(id)?;
        let Some(note) = self.note(id) else {
            return Ok(());
        };
        let note = Note {
            reason: cut(why),
            refused_at: Timestamp::now(),
            ..note
        };
        self.write_note(id, &note)
    }

    /// Every block with what is known of it, in the order of lane and numbers.
    pub fn list(&self) -> Result<Vec<Entry>, AsideError> {
        let entries = self.scan()?.into_iter();
        let noted = entries.map(|entry| Entry {
            note: self.note(entry.id),
            ..entry
        });
        Ok(noted.collect())
    }

    /// Every block without its note, at the cost of reading a directory.
    pub(super) fn scan(&self) -> Result<Vec<Entry>, AsideError> {
        let names = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|source| self.failed(source))?,
        };
        let (mut entries, mut requested) = (Vec::new(), HashSet::new());
        for name in names {
            let name = name.map_err(|source| self.failed(source))?;
            match parse(&name.file_name().to_string_lossy()) {
                Some((id, RESEND)) => {
                    requested.insert(id);
                }
                Some((id, BLOCK)) => {
                    // One that was dropped meanwhile is not there.
                    let Ok(file) = name.metadata() else { continue };
                    entries.push(Entry {
                        id,
                        bytes: file.len(),
                        note: None,
                        is_requested: false,
                    });
                }
                _ => {}
            }
        }
        for entry in &mut entries {
            entry.is_requested = requested.contains(&entry.id);
        }
        entries.sort_unstable_by_key(|entry| entry.id);
        Ok(entries)
    }

    /// Reads a block.
    pub fn read(&self, id: BlockId) -> Result<Block, AsideError> {
        let path = self.path(id, BLOCK);
        let bytes = match fs::metadata(&path).map(|file| file.len()) {
            Ok(bytes) if bytes > MAX_BLOCK_BYTES as u64 => Err(BlockError::TooLong {
                bytes: bytes as usize,
            }),
            Ok(_) => Ok(fs::read(&path)),
            Err(error) => Ok(Err(error)),
        };
        let damaged = |problem: String| AsideError::Damaged {
            path: path.clone(),
            problem,
        };
        let bytes = bytes.map_err(|error| damaged(error.to_string()))?;
        let bytes = bytes.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => self.missing(id),
            _ => AsideError::Io {
                path: path.clone(),
                source,
            },
        })?;
        let block = Block::parse(Bytes::from(bytes)).map_err(|error| damaged(error.to_string()))?;
        if block.id() != id {
            return Err(damaged(format!("holds block {}", block.id())));
        }
        Ok(block)
    }

    /// Forgets a block, which has arrived or is not wanted; durable on return. False if it was not there.
    pub fn remove(&self, id: BlockId) -> Result<bool, AsideError> {
        let was_there = self.remove_file(id, BLOCK)?;
        self.remove_file(id, NOTE)?;
        self.remove_file(id, RESEND)?;
        if was_there {
            sync_dir(&self.dir).map_err(|source| self.failed(source))?;
        }
        Ok(was_there)
    }

    /// Puts a block in the place of the one with its id, and a reason in the place of the one that was noted; durable on
    /// return. False if it is not there any more.
    pub fn replace(&self, block: &Block, reason: &str) -> Result<bool, AsideError> {
        let id = block.id();
        if !self.path(id, BLOCK).exists() {
            return Ok(false);
        }
        self.write(id, BLOCK, block.wire())?;
        if let Some(note) = self.note(id) {
            let reason = cut(reason);
            self.write_note(id, &Note { reason, ..note })?;
        }
        sync_dir(&self.dir).map_err(|source| self.failed(source))?;
        Ok(true)
    }

    /// Asks for a block to be sent again.
    pub fn request(&self, id: BlockId) -> Result<(), AsideError> {
        if !self.path(id, BLOCK).exists() {
            return Err(self.missing(id));
        }
        let path = self.path(id, RESEND);
        let made = File::create(&path).and_then(|_| sync_dir(&self.dir));
        made.map_err(|source| AsideError::Io { path, source })
    }

    /// Takes the request back.
    pub fn withdraw(&self, id: BlockId) -> Result<(), AsideError> {
        self.remove_file(id, RESEND).map(drop)
    }

    /// Takes away what a crash has left: files in the making, and what belongs to no block.
    pub fn sweep(&self) -> Result<(), AsideError> {
        let Ok(names) = fs::read_dir(&self.dir) else {
            return Ok(());
        };
        for name in names.flatten() {
            let file_name = name.file_name().to_string_lossy().into_owned();
            let Some((id, kind)) = parse(&file_name) else {
                continue;
            };
            if kind == UNFINISHED || !self.path(id, BLOCK).exists() {
                let removed = fs::remove_file(name.path());
                removed.map_err(|source| AsideError::Io {
                    path: name.path(),
                    source,
                })?;
            }
        }
        Ok(())
    }

    fn note(&self, id: BlockId) -> Option<Note> {
        let path = self.path(id, NOTE);
        let is_one = fs::metadata(&path).is_ok_and(|file| file.len() <= LONGEST_NOTE);
        let text = is_one.then(|| fs::read(&path).ok()).flatten()?;
        serde_json::from_slice(&text).ok()
    }

    fn write_note(&self, id: BlockId, note: &Note) -> Result<(), AsideError> {
        let text = serde_json::to_vec_pretty(note).expect("a note can be written as JSON");
        self.write(id, NOTE, &text)
    }

    /// The file is whole under its name, or not there.
    fn write(&self, id: BlockId, kind: &str, bytes: &[u8]) -> Result<(), AsideError> {
        let (path, unfinished) = (self.path(id, kind), self.path(id, UNFINISHED));
        let make = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        make().map_err(|source| AsideError::Io {
            path: path.clone(),
            source,
        })
    }

    fn remove_file(&self, id: BlockId, kind: &str) -> Result<bool, AsideError> {
        let path = self.path(id, kind);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(AsideError::Io { path, source }),
        }
    }

    fn path(&self, id: BlockId, kind: &str) -> PathBuf {
        self.dir.join(format!("{id}.{kind}"))
    }

    fn failed(&self, source: io::Error) -> AsideError {
        AsideError::Io {
            path: self.dir.clone(),
            source,
        }
    }

    fn missing(&self, id: BlockId) -> AsideError {
        AsideError::Missing {
            id,
            dir: self.dir.clone(),
        }
    }
}

impl Note {
    /// The note of a block that is refused now.
    #[must_use]
    pub fn of(block: &Block, service: &str, records: Records, reason: &str) -> Self {
        let now = Timestamp::now();
        Self {
            block: block.id().to_string(),
            service: service.to_owned(),
            records,
            count: block.count(),
            reason: cut(reason),
            set_aside_at: now,
            refused_at: now,
        }
    }
}

fn cut(reason: &str) -> String {
    bounded(reason.as_bytes(), LONGEST_REASON).into_owned()
}

/// The block and the kind of a file, by its name.
fn parse(name: &str) -> Option<(BlockId, &str)> {
    let (id, kind) = name.split_once('.')?;
    Some((id.parse().ok()?, kind))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
