//! What writer, reader and keeper of one lane share: its segments, and the room that is left.
//!
//! Nothing here runs on the common path of an append. Syncing is in `sync.rs`.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{
    LaneId, LaneOptions,
    control::Control,
    error::AckError,
    frame::Seed,
    fs::{self, Directory, Fs},
    ledger::Position,
    segment::{Pen, Segment},
    sync::Syncs,
};

/// An open lane.
pub(super) struct Lane {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) dir: PathBuf,
    pub(super) id: LaneId,
    pub(super) seed: Seed,
    pub(super) options: LaneOptions,
    pub(super) control: Arc<Control>,
    pub(super) syncs: Syncs,
    pub(super) counts: Counts,
    lineup: Mutex<Lineup>,
    /// Held while a segment is made, so that writer and keeper do not make two.
    preparing: Mutex<()>,
    /// Whether a spare waits; spares the writer a lock for nothing.
    spare_ready: AtomicBool,
    /// No room for another segment at the last try; spares the writer a system call for each refused record.
    full: AtomicBool,
    /// The directory belongs to this process as long as this lives.
    directory: Box<dyn Directory>,
}

/// The segments of a lane.
#[derive(Default)]
pub(super) struct Lineup {
    /// From the oldest that is not acked to the one that is written.
    pub(super) live: VecDeque<Arc<Segment>>,
    /// Prepared ahead, in the order of their use.
    pub(super) spares: VecDeque<Arc<Segment>>,
    /// The index of the next segment to be made.
    pub(super) next_index: u64,
}

impl Lineup {
    fn bytes(&self) -> u64 {
        self.live
            .iter()
            .chain(&self.spares)
            .map(|segment| segment.len() as u64)
            .sum()
    }
}

/// What went wrong since the lane was opened, one record at a time.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) full: AtomicU64,
    pub(super) too_large: AtomicU64,
    pub(super) poisoned: AtomicU64,
    pub(super) corrupt: AtomicU64,
    pub(super) slow_rollovers: AtomicU64,
}

impl Counts {
    /// Records that took a number and were not stored.
    pub(super) fn refused(&self) -> u64 {
        let counts = [&self.full, &self.too_large, &self.poisoned];
        counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

impl Lane {
    pub(super) fn new(
        fs: Arc<dyn Fs>,
        dir: PathBuf,
        options: LaneOptions,
        control: Arc<Control>,
        id: LaneId,
        lineup: Lineup,
        directory: Box<dyn Directory>,
    ) -> Self {
        Self {
            fs,
            dir,
            id,
            seed: Seed::of(id),
            options,
            syncs: Syncs::new(control.next_seq()),
            control,
            counts: Counts::default(),
            spare_ready: AtomicBool::new(!lineup.spares.is_empty()),
            lineup: Mutex::new(lineup),
            preparing: Mutex::new(()),
            full: AtomicBool::new(false),
            directory,
        }
    }

    /// The live segments from `index` on.
    pub(super) fn live_from(&self, index: u64) -> Vec<Arc<Segment>> {
        let lineup = locked(&self.lineup);
        lineup
            .live
            .iter()
            .filter(|segment| segment.index() >= index)
            .cloned()
            .collect()
    }

    /// The segment that is written, and the one that comes next.
    pub(super) fn writing(&self) -> (Option<Arc<Segment>>, Option<Arc<Segment>>) {
        let lineup = locked(&self.lineup);
        (lineup.live.back().cloned(), lineup.spares.front().cloned())
    }

    /// Takes the next spare into use.
    pub(super) fn take_spare(&self) -> Option<Pen> {
        if !self.spare_ready.load(Ordering::Acquire) {
            return None;
        }
        let mut lineup = locked(&self.lineup);
        let segment = lineup.spares.pop_front()?;
        self.spare_ready
            .store(!lineup.spares.is_empty(), Ordering::Release);
        lineup.live.push_back(Arc::clone(&segment));
        Some(Pen::new(segment))
    }

    /// Whether the last try to prepare a segment found no room.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Makes sure that a spare waits. False if there is no room for one.
    pub(super) fn prepare(&self) -> io::Result<bool> {
        let _one = locked(&self.preparing);
        if self.spare_ready.load(Ordering::Acquire) {
            return Ok(true);
        }
        let result = self.make_spare();
        let was_full = self
            .full
            .swap(!matches!(result, Ok(true)), Ordering::Relaxed);
        match &result {
            Ok(false) if !was_full => tracing::warn!(lane = %self.id, "journal is full"),
            Ok(true) if was_full => tracing::info!(lane = %self.id, "journal has room again"),
            Err(error) if !was_full => {
                tracing::error!(lane = %self.id, %error, "cannot prepare a journal segment")
            }
            _ => {}
        }
        result
    }

    fn make_spare(&self) -> io::Result<bool> {
        let (index, used) = {
            let lineup = locked(&self.lineup);
            (lineup.next_index, lineup.bytes())
        };
        if used + self.options.segment_bytes > self.options.max_bytes {
            return Ok(false);
        }
        let bytes = self.options.segment_bytes;
        let segment = match Segment::create(&*self.fs, &self.dir, self.id, index, bytes) {
            Ok(segment) => segment,
            Err(error) if fs::is_full(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        if let Err(error) = self.directory.sync() {
            let again = io::Error::new(error.kind(), error.to_string());
            self.poison("sync directory", self.dir.clone(), error);
            return Err(again);
        }
        let mut lineup = locked(&self.lineup);
        lineup.next_index = index + 1;
        lineup.spares.push_back(Arc::new(segment));
        self.spare_ready.store(true, Ordering::Release);
        Ok(true)
    }

    /// Removes the segments that hold nothing but acked records. The cursor is durable before.
    pub(super) fn free(&self, acked: Position) -> Result<(), AckError> {
        let mut has_removed = false;
        while let Some(oldest) = self.acked_segment(acked) {
            match self.fs.remove(oldest.path()) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(AckError::Remove {
                        path: oldest.path().to_owned(),
                        source,
                    });
                }
                _ => has_removed = true,
            }
            locked(&self.lineup).live.pop_front();
        }
        if has_removed {
            let synced = self.directory.sync();
            synced.map_err(|error| self.poison("sync directory", self.dir.clone(), error))?;
            if self.is_full() {
                // An error was logged where it arose, and the keeper tries again.
                let _ = self.prepare();
            }
        }
        Ok(())
    }

    fn acked_segment(&self, acked: Position) -> Option<Arc<Segment>> {
        let lineup = locked(&self.lineup);
        let oldest = lineup.live.front()?;
        let is_read = acked.segment == oldest.index() && acked.offset as usize >= oldest.tail();
        // The last one is still written, or may be.
        let is_done = lineup.live.len() > 1 && (is_read || oldest.index() < acked.segment);
        is_done.then(|| Arc::clone(oldest))
    }
}

/// Takes a lock; a thread that died with it left no half-made change, as each is a single step.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
