//! The background thread of a lane: prepares the next segment, brings pages into memory ahead of the writer,
//! and syncs. Tests do without the thread and take its steps themselves.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::lane::Lane;

/// Always kept ready ahead of the writer: an idle lane should not hold much memory.
const SHORTEST_REACH: usize = 1 << 20;

/// Never more than this: each page made ready is a page to be written back.
const LONGEST_REACH: usize = 16 << 20;

/// So many times what was written since the last look is kept ready: this thread may be late on a busy machine.
const FACTOR: usize = 32;

/// A lane is looked after again when it will have written about as much. Little at a time: the serving thread whose
/// core this one takes waits as long as this one works.
const STEP: usize = 64 << 10;

/// A lane is not looked after more often than this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The work, without the thread.
pub(super) struct Keeper {
    lane: Arc<Lane>,
    /// The segment looked at last, and the tail it had.
    seen: (u64, usize),
    /// Pages of that segment are ready up to here; beyond its end, those of the next one.
    ready: usize,
}

impl Keeper {
    pub(super) fn new(lane: Arc<Lane>) -> Self {
        let writing = lane.writing().0;
        let seen = writing.map_or((0, 0), |segment| (segment.index(), segment.tail()));
        Self {
            lane,
            seen,
            ready: 0,
        }
    }

    /// Prepares what the writer will need. Returns how many bytes it wrote since the last time.
    pub(super) fn prepare(&mut self) -> usize {
        if !self.lane.is_poisoned() {
            // An error was logged where it arose; appends are refused as full until a later try succeeds.
            let _ = self.lane.prepare();
        }
        let (Some(segment), next) = self.lane.writing() else {
            return 0;
        };
        let (index, tail) = (segment.index(), segment.tail());
        let is_same = self.seen.0 == index;
        let grown = if is_same { tail - self.seen.1 } else { tail };
        if !is_same {
            self.ready = self.ready.saturating_sub(segment.len());
        }
        self.seen = (index, tail);
        let reach = (FACTOR * grown)
            .clamp(SHORTEST_REACH, LONGEST_REACH)
            .min(segment.len());
        if self.ready < tail + reach / 8 * 7 {
            let (start, end) = (self.ready.max(tail), tail + reach);
            segment.populate(start.min(segment.len())..end.min(segment.len()));
            if let Some(next) = next {
                next.populate(
                    start.saturating_sub(segment.len())..end.saturating_sub(segment.len()),
                );
            }
            self.ready = end;
        }
        grown
    }

    fn run(mut self, stop: &AtomicBool) {
        let interval = self.lane.options.sync_interval;
        let mut synced_at = Instant::now();
        let mut looked_at = synced_at;
        while !stop.load(Ordering::Acquire) {
            let since_last = looked_at.elapsed();
            looked_at += since_last;
            let grown = self.prepare();
            if synced_at.elapsed() >= interval || self.lane.syncs.is_wanted() {
                synced_at = Instant::now();
                // Writer and reader learn of a failure by the poison that it leaves.
                let _ = self.lane.sync();
            }
            self.lane.write_behind();
            if self.lane.is_poisoned() || !self.lane.syncs.is_wanted() {
                let until_sync = interval.saturating_sub(synced_at.elapsed());
                let step = since_last.mul_f64(STEP as f64 / grown.max(1) as f64);
                thread::park_timeout(step.max(SHORTEST_PAUSE).min(until_sync));
            }
        }
        let _ = self.lane.sync();
    }
}

/// The running thread. Dropping the last handle syncs once more and ends it.
pub(super) struct KeeperThread {
    lane: Arc<Lane>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KeeperThread {
    pub(super) fn start(lane: Arc<Lane>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (keeper, until) = (Keeper::new(Arc::clone(&lane)), Arc::clone(&stop));
        let name = lane
            .dir
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let guarded = Arc::clone(&lane);
        let thread = thread::Builder::new()
            .name(format!("journal-{name}"))
            .spawn(move || {
                // Without its keeper a lane would silently never be synced again.
                if catch_unwind(AssertUnwindSafe(|| keeper.run(&until))).is_err() {
                    guarded.poison(
                        "keep",
                        guarded.dir.clone(),
                        io::Error::other("the journal's thread panicked"),
                    );
                }
            })?;
        lane.syncs.set_keeper(thread.thread().clone());
        Ok(Self {
            lane,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for KeeperThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.lane.syncs.wake();
        if let Some(thread) = self.thread.take() {
            // It does not panic: panics are caught on it and poison the lane.
            let _ = thread.join();
        }
    }
}
