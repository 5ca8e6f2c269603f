//! What a shipper knows of the blocks that its lane has set aside. All work on files is done beside the
//! runtime's threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::aside::{Aside, AsideError, Entry, Note};
use crate::journal::{Block, BlockId};

/// A lane's blocks that were set aside.
#[derive(Debug)]
pub(super) struct Shelf {
    aside: Aside,
    /// Those that are there, with their sizes.
    blocks: BTreeMap<BlockId, u64>,
    /// Those that somebody wants sent again.
    requested: Vec<BlockId>,
    /// The most bytes of all of them.
    room: u64,
    /// When somebody's wishes are looked for again.
    next_look: Instant,
}

impl Shelf {
    /// The shelf of a lane, cleaned of what a crash has left, with room for so many bytes; and what is on it.
    pub(super) async fn open(lane: &Path, room: u64) -> (Self, Vec<Entry>) {
        let mut shelf = Self {
            aside: Aside::of(lane),
            blocks: BTreeMap::new(),
            requested: Vec::new(),
            room,
            next_look: Instant::now(),
        };
        let swept = shelf.beside(|aside| aside.sweep().and_then(|()| aside.list()));
        let entries = match swept.await {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!(%error, "blocks that were set aside cannot be read");
                Vec::new()
            }
        };
        shelf.take_in(&entries);
        (shelf, entries)
    }

    /// How many blocks there are.
    pub(super) fn count(&self) -> usize {
        self.blocks.len()
    }

    /// Whether it is time to look for wishes; if so, the next time is `after` that.
    pub(super) fn is_due(&mut self, after: Duration) -> bool {
        let now = Instant::now();
        let is_due = now >= self.next_look;
        if is_due {
            self.next_look = now + after;
        }
        is_due
    }

    /// Looks again only after so long.
    pub(super) fn rest(&mut self, pause: Duration) {
        self.next_look = Instant::now() + pause;
    }

    /// Looks what is there now: others drop blocks, and ask for them to be sent again.
    pub(super) async fn look(&mut self) {
        match self.beside(|aside| aside.scan()).await {
            Ok(entries) => self.take_in(&entries),
            Err(error) => tracing::warn!(%error, "blocks that were set aside cannot be read"),
        }
    }

    /// The blocks that somebody wants sent again.
    pub(super) fn requested(&self) -> Vec<BlockId> {
        self.requested.clone()
    }

    /// Sets a block aside; false if there is no room for it, or the disk does not take it.
    pub(super) async fn put(&mut self, block: &Block, note: Note) -> bool {
        self.look().await;
        let (id, bytes) = (block.id(), block.wire().len() as u64);
        let others = self.blocks.iter().filter(|(other, _)| **other != id);
        if others.map(|(_, bytes)| bytes).sum::<u64>() + bytes > self.room {
            tracing::error!(block = %id, room = self.room, "no room to set a refused block aside: it holds up its lane");
            return false;
        }
        let block = block.clone();
        match self.beside(move |aside| aside.put(&block, &note)).await {
            Ok(()) => {
                self.blocks.insert(id, bytes);
                true
            }
            Err(error) => {
                tracing::error!(block = %id, %error, "a refused block could not be set aside: it holds up its lane");
                false
            }
        }
    }

    /// Reads a block.
    pub(super) async fn read(&self, id: BlockId) -> Result<Block, AsideError> {
        self.beside(move |aside| aside.read(id)).await
    }

    /// Forgets a block that has arrived, if it is there.
    pub(super) async fn forget(&mut self, id: BlockId) {
        if self.blocks.remove(&id).is_none() {
            return;
        }
        if let Err(error) = self.beside(move |aside| aside.remove(id)).await {
            // Sent once more, it counts once all the same.
            tracing::warn!(block = %id, %error, "a block that has arrived is still set aside");
        }
    }

    /// Notes that a block was refused again, or cannot be read: it is not sent again until somebody asks anew.
    pub(super) async fn refused_again(&mut self, id: BlockId, why: String) {
        let noted = self.beside(move |aside| aside.refused_again(id, &why));
        if let Err(error) = noted.await {
            tracing::warn!(block = %id, %error, "that a block was refused again could not be noted");
        }
    }

    fn take_in(&mut self, entries: &[Entry]) {
        let requested = entries.iter().filter(|entry| entry.is_requested);
        self.requested = requested.map(|entry| entry.id).collect();
        let blocks = entries.iter().map(|entry| (entry.id, entry.bytes));
        self.blocks = blocks.collect();
    }

    async fn beside<T: Send + 'static>(&self, act: impl FnOnce(&Aside) -> T + Send + 'static) -> T {
        let aside = self.aside.clone();
        tokio::task::spawn_blocking(move || act(&aside))
            .await
            .expect("files are read and written without a panic")
    }
}
