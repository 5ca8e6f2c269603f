//! Whose clicks are held, for how long, and in how much memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::sleep;
use whence_core::config::Analytics;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::clicks::{Clicks, HOUR_MS, HOUR_S, Print, Snapshot};
use super::reading::{HOURS_AT_A_TIME, prints, runs};
use crate::reports::beside::beside;
use crate::reports::warehouse::{Read, Warehouse};

/// Clicks that a question waits for. What is more is read behind its back.
const AT_ONCE: u64 = 20_000;
/// How long that waits, so that the question is answered first.
const BEHIND: Duration = Duration::from_secs(1);
/// How long it is not done again for the same hours.
const AGAIN: Duration = Duration::from_secs(10);
/// Counts at a time.
const COUNTS: usize = 2;
/// What a click takes at most, with a visitor of its own: what would never fit need not be tried.
const CLICK_BYTES: u64 = 80;
/// Who asked so lately is not put out by another: else two who do not fit beside each other would be read again and again.
const LATELY: Duration = Duration::from_secs(60);
/// How long clicks are held that nobody asks about.
const UNASKED: Duration = Duration::from_secs(3600);
/// How long clicks are held at all: so long may the number of a visitor outlive the visitor.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The clicks of workspaces that are asked about.
#[derive(Debug)]
pub(crate) struct Held {
    /// Bytes of all together.
    most: usize,
    /// Of fewer clicks none are held: they are counted soon enough.
    least: u64,
    shelf: Arc<Shelf>,
    warehouse: Warehouse,
    /// Turns of those who count.
    counts: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Shelf(Mutex<HashMap<WorkspaceId, Arc<Slot>>>);

/// A workspace's place.
#[derive(Debug)]
struct Slot {
    clicks: tokio::sync::Mutex<Clicks>,
    /// Whether somebody reads many of them.
    is_read: AtomicBool,
    /// What it takes, or is about to.
    bytes: AtomicUsize,
    last_read: Mutex<Option<Instant>>,
    made: Instant,
    asked: Mutex<Instant>,
}

impl Held {
    /// Nothing yet, within the configured bounds.
    pub(crate) fn new(config: &Analytics, warehouse: Warehouse) -> Self {
        Self {
            most: usize::try_from(config.held_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX),
            least: config.held_least_clicks,
            shelf: Arc::default(),
            warehouse,
            counts: Arc::new(Semaphore::new(COUNTS)),
        }
    }

    /// The clicks of people from one moment to another, in milliseconds since 1970, as ClickHouse has them when this is asked or
    /// later, and those of the hours around; nothing where they are few, too many, or not read yet.
    pub(crate) async fn snapshot(
        &self,
        workspace: &WorkspaceId,
        (from, to): (i64, i64),
    ) -> Result<(Option<Snapshot>, Read), Problem> {
        let hour = |ms: i64| u32::try_from(ms.div_euclid(HOUR_MS)).ok();
        let hours = hour(from).zip(hour(to.saturating_add(HOUR_MS - 1)));
        let Some((first, behind)) = hours.filter(|(first, behind)| first < behind && self.most > 0)
        else {
            return Ok((None, Read::NOTHING));
        };
        // Seconds of an hour have 32 bits.
        if behind > u32::MAX / HOUR_S {
            return Ok((None, Read::NOTHING));
        }
        let hours = first..behind;
        let (prints, read) = prints(&self.warehouse, workspace, hours.clone()).await?;
        let clicks = sum(&prints);
        if clicks < self.least.max(1) || clicks.saturating_mul(CLICK_BYTES) > self.most as u64 {
            return Ok((None, read));
        }
        let slot = self.shelf.slot(workspace);
        let (snapshot, more) = self.up_to_date(&slot, workspace, hours, &prints).await;
        Ok((snapshot, read + more))
    }

    async fn up_to_date(
        &self,
        slot: &Arc<Slot>,
        workspace: &WorkspaceId,
        hours: Range<u32>,
        prints: &[(u32, Print)],
    ) -> (Option<Snapshot>, Read) {
        if slot.is_read.load(Ordering::Relaxed) {
            return (None, Read::NOTHING);
        }
        let mut clicks = slot.clicks.lock().await;
        let mut others = clicks.compare(hours.clone(), prints);
        let most = (self.most as u64).saturating_sub(self.shelf.of_others(slot) as u64);
        let mut needed = clicks.bytes() as u64 + CLICK_BYTES * sum(&others);
        if needed > most {
            // What nobody asks about now is in the way.
            *clicks = Clicks::default();
            slot.bytes.store(0, Ordering::Relaxed);
            others = prints.to_vec();
            needed = CLICK_BYTES * sum(&others);
        }
        if needed > most {
            return (None, Read::NOTHING);
        }
        if sum(&others) > AT_ONCE || others.len() > HOURS_AT_A_TIME {
            let are_known = others
                .iter()
                .all(|(hour, _)| clicks.hours.contains_key(hour));
            drop(clicks);
            if let Some(reader) = Reader::of(slot, are_known) {
                // Others are to know what will be needed before it is.
                slot.bytes.store(needed as usize, Ordering::Relaxed);
                self.read_behind(reader, workspace, others);
            }
            return (None, Read::NOTHING);
        }
        let mut read = Read::NOTHING;
        if !others.is_empty() {
            let result = clicks.read(&self.warehouse, workspace, &others).await;
            slot.bytes.store(clicks.bytes(), Ordering::Relaxed);
            self.shelf.fit(self.most, slot);
            match result {
                Ok(cost) => read = cost,
                Err(problem) => {
                    tell_unread(workspace, &problem);
                    return (None, Read::NOTHING);
                }
            }
        }
        (Some(clicks.snapshot(hours)), read)
    }

    /// Reads many clicks without anybody who waits for them.
    fn read_behind(&self, reader: Reader, workspace: &WorkspaceId, others: Vec<(u32, Print)>) {
        let (shelf, most) = (Arc::clone(&self.shelf), self.most);
        let (warehouse, workspace) = (self.warehouse.clone(), workspace.clone());
        tokio::spawn(async move {
            let slot = &reader.0;
            sleep(BEHIND).await;
            for run in runs(&others) {
                if !shelf.has(&workspace, slot) {
                    break;
                }
                let mut clicks = slot.clicks.lock().await;
                let result = clicks.read(&warehouse, &workspace, run).await;
                let bytes = clicks.bytes();
                slot.bytes.fetch_max(bytes, Ordering::Relaxed);
                shelf.fit(most, slot);
                if let Err(problem) = result {
                    tell_unread(&workspace, &problem);
                    break;
                }
            }
            let bytes = slot.clicks.lock().await.bytes();
            slot.bytes.store(bytes, Ordering::Relaxed);
        });
    }

    /// Counts what is held, on a thread beside those that answer, few at a time: each count has a place for each visitor of its own.
    pub(crate) async fn count<T: Send + 'static>(
        &self,
        broken_off: &'static str,
        count: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.counts).acquire_owned().await;
        beside(broken_off, move || {
            let _turn = turn;
            count()
        })
        .await
    }

    /// Forgets what nobody has asked about for long; answers how many bytes are left.
    pub(crate) fn tidy(&self) -> usize {
        let mut slots = self.shelf.lock();
        slots.retain(|_, slot| slot.asked().elapsed() < UNASKED && slot.made.elapsed() < LONGEST);
        slots.values().map(|slot| slot.bytes()).sum()
    }
}

fn sum(prints: &[(u32, Print)]) -> u64 {
    prints.iter().map(|(_, print)| print.clicks).sum()
}

/// Nothing is held that cannot be read; whoever asks is answered by ClickHouse, or learns why not.
fn tell_unread(workspace: &WorkspaceId, problem: &Problem) {
    tracing::debug!(%workspace, ?problem, "clicks were not read into memory");
}

/// The only one who reads many clicks of a workspace.
struct Reader(Arc<Slot>);

impl Reader {
    /// If nobody else does; nor did a moment ago, where it is hours that were read before: one in which so much happens is not
    /// worth reading for each question.
    fn of(slot: &Arc<Slot>, are_known: bool) -> Option<Self> {
        let last = *slot
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if are_known && last.is_some_and(|last| last.elapsed() < AGAIN)
            || slot.is_read.swap(true, Ordering::Relaxed)
        {
            return None;
        }
        Some(Self(Arc::clone(slot)))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        *self
            .0
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.0.is_read.store(false, Ordering::Relaxed);
    }
}

impl Slot {
    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn asked(&self) -> Instant {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspace's place, which somebody asks for now.
    fn slot(&self, workspace: &WorkspaceId) -> Arc<Slot> {
        let now = Instant::now();
        let new = || {
            Arc::new(Slot {
                clicks: tokio::sync::Mutex::default(),
                is_read: AtomicBool::new(false),
                bytes: AtomicUsize::new(0),
                last_read: Mutex::default(),
                made: now,
                asked: Mutex::new(now),
            })
        };
        let mut slots = self.lock();
        let slot = slots.entry(workspace.clone()).or_insert_with(new);
        *slot.asked.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Arc::clone(slot)
    }

    /// Bytes of others who were asked about lately.
    fn of_others(&self, slot: &Arc<Slot>) -> usize {
        let slots = self.lock();
        let others = slots
            .values()
            .filter(|other| !Arc::ptr_eq(slot, other) && other.asked().elapsed() < LATELY);
        others.map(|other| other.bytes()).sum()
    }

    fn has(&self, workspace: &WorkspaceId, slot: &Arc<Slot>) -> bool {
        let slots = self.lock();
        slots.get(workspace).is_some_and(|of| Arc::ptr_eq(of, slot))
    }

    /// Lets go of those who were not asked about for longest, until the others fit; of the one who grows where all others were asked
    /// about lately.
    fn fit(&self, most: usize, grown: &Arc<Slot>) {
        let mut slots = self.lock();
        while slots.values().map(|slot| slot.bytes()).sum::<usize>() > most {
            let others = slots
                .iter()
                .filter(|(_, slot)| !Arc::ptr_eq(slot, grown) && slot.asked().elapsed() >= LATELY);
            let oldest = others.min_by_key(|(_, slot)| slot.asked());
            let oldest = oldest.map(|(workspace, _)| workspace.clone());
            match oldest {
                Some(oldest) => {
                    slots.remove(&oldest);
                }
                None => {
                    slots.retain(|_, slot| !Arc::ptr_eq(slot, grown));
                    return;
                }
            }
        }
    }
}
