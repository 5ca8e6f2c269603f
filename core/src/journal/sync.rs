//! Making a lane durable, telling who waits for it, and the end of the lane when that fails.

use std::{
    future::Future,
    io,
    path::PathBuf,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::Thread,
};

use tokio::sync::watch;

use super::{
    Seq, control,
    error::{DurableError, Poisoned},
    lane::{Lane, locked},
};

/// How far a lane is durable.
pub(super) struct Syncs {
    /// One sync at a time: a failed write-back is told to one caller only, and that must not be the wrong one.
    running: Mutex<Running>,
    progress: watch::Sender<Progress>,
    /// All smaller numbers are waited for.
    wanted: AtomicU64,
    /// Set once, together with the reason in `progress`.
    poisoned: AtomicBool,
    /// The thread that syncs, to be woken.
    keeper: OnceLock<Thread>,
}

struct Running {
    /// Refused records whose numbers are durable.
    refused: u64,
}

struct Progress {
    /// All smaller numbers are durable.
    synced: Seq,
    poison: Option<Poisoned>,
}

impl Syncs {
    /// For a lane whose numbers below `synced` are durable.
    pub(super) fn new(synced: Seq) -> Self {
        Self {
            running: Mutex::new(Running { refused: 0 }),
            progress: watch::Sender::new(Progress {
                synced,
                poison: None,
            }),
            wanted: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            keeper: OnceLock::new(),
        }
    }

    /// Names the thread that is woken when someone waits.
    pub(super) fn set_keeper(&self, keeper: Thread) {
        // A lane has one keeper for its whole life.
        let _ = self.keeper.set(keeper);
    }

    /// Whether someone waits for what is not durable.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire) > self.progress.borrow().synced
    }

    /// Wakes the keeper, wherever it is.
    pub(super) fn wake(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.unpark();
        }
    }
}

impl Lane {
    /// Whether the lane is out of order.
    #[inline]
    pub(super) fn is_poisoned(&self) -> bool {
        self.syncs.poisoned.load(Ordering::Relaxed)
    }

    /// Why the lane is out of order, if it is.
    pub(super) fn alive(&self) -> Result<(), Poisoned> {
        match &self.syncs.progress.borrow().poison {
            Some(poison) => Err(poison.clone()),
            None => Ok(()),
        }
    }

    /// Ends the lane. The first reason stays.
    pub(super) fn poison(
        &self,
        operation: &'static str,
        path: PathBuf,
        source: io::Error,
    ) -> Poisoned {
        let mut reason = Poisoned::new(operation, path, source);
        self.syncs.progress.send_modify(|progress| match &progress.poison {
            Some(first) => reason = first.clone(),
            None => {
                tracing::error!(lane = %self.id, %reason, "journal is poisoned; this process must end");
                progress.poison = Some(reason.clone());
            }
        });
        self.syncs.poisoned.store(true, Ordering::Relaxed);
        reason
    }

    /// Makes durable whatever was appended before the call. Returns the number below which all is.
    pub(super) fn sync(&self) -> Result<Seq, Poisoned> {
        let mut running = locked(&self.syncs.running);
        self.alive()?;
        // In this order: whoever sees the number sees the frames below it, and their segments.
        let upto = self.control.next_seq();
        if upto == self.syncs.progress.borrow().synced {
            return Ok(upto);
        }
        for segment in self.live_from(0) {
            if !segment.is_synced() {
                let done = segment.sync();
                done.map_err(|error| self.poison("sync", segment.path().to_owned(), error))?;
            }
        }
        // Stored records tell their numbers themselves; only refused ones need the header on disk.
        let refused = self.counts.refused();
        if refused != running.refused {
            let done = self.control.sync_header();
            done.map_err(|error| self.poison("sync", control::path(&self.dir), error))?;
            running.refused = refused;
        }
        self.syncs
            .progress
            .send_modify(|progress| progress.synced = upto);
        Ok(upto)
    }

    /// Begins to write back what a sync will want durable, unless one is running.
    pub(super) fn write_behind(&self) {
        if let Ok(_running) = self.syncs.running.try_lock()
            && let (Some(segment), _) = self.writing()
        {
            segment.write_behind();
        }
    }

    /// The number below which all is durable.
    pub(super) fn synced(&self) -> Seq {
        self.syncs.progress.borrow().synced
    }

    /// Resolves when a sync has covered `seq`; `next` is the number that the next append will take.
    pub(super) fn durable(
        &self,
        seq: Seq,
        next: Seq,
    ) -> impl Future<Output = Result<(), DurableError>> + Send + use<> {
        // The future must not keep the lane open: it holds the news and not the lane.
        let mut progress = self.syncs.progress.subscribe();
        // A number not taken yet must not keep the keeper busy.
        self.syncs
            .wanted
            .fetch_max(next.min(seq.saturating_add(1)), Ordering::AcqRel);
        self.syncs.wake();
        async move {
            let news = progress
                .wait_for(|progress| progress.synced > seq || progress.poison.is_some())
                .await;
            let progress = news.map_err(|_| DurableError::Closed { seq })?;
            match &progress.poison {
                Some(poison) if progress.synced <= seq => Err(poison.clone().into()),
                _ => Ok(()),
            }
        }
    }
}
