//! Whose clicks are held, for how long, and in how much memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use whence_core::config::Analytics;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::clicks::{Clicks, Print, Snapshot};
use super::reading::{prints, runs};
use crate::reports::warehouse::{Read, Warehouse};

const HOUR_MS: i64 = 3_600_000;
/// Clicks that a question waits for. What is more is read behind its back.
const AT_ONCE: u64 = 20_000;
/// How long that waits, so that the question is answered first.
const BEHIND: Duration = Duration::from_secs(1);
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
}

#[derive(Debug, Default)]
struct Shelf(Mutex<HashMap<WorkspaceId, Arc<Slot>>>);

/// A workspace's place.
#[derive(Debug)]
struct Slot {
    clicks: tokio::sync::Mutex<Clicks>,
    /// Whether somebody reads many of them.
    is_read: AtomicBool,
    bytes: AtomicUsize,
    made: Instant,
    asked: Mutex<Instant>,
}

impl Held {
    /// Nothing yet, within the configured bounds.
    pub(crate) fn new(config: &Analytics) -> Self {
        Self {
            most: usize::try_from(config.held_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX),
            least: config.held_least_clicks,
            shelf: Arc::default(),
        }
    }

    /// The clicks of people from one moment to another, in milliseconds since 1970, as ClickHouse has them now, and those of the
    /// hours around; nothing where they are few, too many, or not read yet.
    pub(crate) async fn snapshot(
        &self,
        warehouse: &Warehouse,
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
        if behind > u32::MAX / 3_600 {
            return Ok((None, Read::NOTHING));
        }
        let hours = first..behind;
        let (prints, read) = prints(warehouse, workspace, hours.clone()).await?;
        let clicks: u64 = prints.iter().map(|(_, print)| print.clicks).sum();
        if clicks < self.least.max(1) || clicks.saturating_mul(CLICK_BYTES) > self.most as u64 {
            return Ok((None, read));
        }
        let slot = self.shelf.slot(workspace);
        let (snapshot, more) = self
            .up_to_date(&slot, warehouse, workspace, hours, &prints)
            .await?;
        Ok((snapshot, read + more))
    }

    async fn up_to_date(
        &self,
        slot: &Arc<Slot>,
        warehouse: &Warehouse,
        workspace: &WorkspaceId,
        hours: Range<u32>,
        prints: &[(u32, Print)],
    ) -> Result<(Option<Snapshot>, Read), Problem> {
        if slot.is_read.load(Ordering::Relaxed) {
            return Ok((None, Read::NOTHING));
        }
        let mut clicks = slot.clicks.lock().await;
        let others = clicks.compare(hours.clone(), prints);
        let more = others.iter().map(|(_, print)| print.clicks).sum::<u64>();
        let needed = |clicks: &Clicks| clicks.bytes() as u64 + more * CLICK_BYTES;
        if needed(&clicks) > self.most as u64 {
            clicks.keep(hours.clone());
        }
        if more > AT_ONCE {
            let needed = needed(&clicks) + self.shelf.of_others(slot) as u64;
            drop(clicks);
            if needed <= self.most as u64 {
                self.read_behind(slot, warehouse, workspace, others);
            }
            return Ok((None, Read::NOTHING));
        }
        let mut read = Read::NOTHING;
        if !others.is_empty() {
            read = clicks.read(warehouse, workspace, &others).await?;
            slot.bytes.store(clicks.bytes(), Ordering::Relaxed);
            self.shelf.fit(self.most);
        }
        Ok((Some(clicks.snapshot(hours)), read))
    }

    /// Reads many clicks without anybody who waits for them.
    fn read_behind(
        &self,
        slot: &Arc<Slot>,
        warehouse: &Warehouse,
        workspace: &WorkspaceId,
        others: Vec<(u32, Print)>,
    ) {
        if slot.is_read.swap(true, Ordering::Relaxed) {
            return;
        }
        let (slot, shelf, most) = (Arc::clone(slot), Arc::clone(&self.shelf), self.most);
        let (warehouse, workspace) = (warehouse.clone(), workspace.clone());
        tokio::spawn(async move {
            sleep(BEHIND).await;
            for run in runs(&others) {
                let mut clicks = slot.clicks.lock().await;
                let result = clicks.read(&warehouse, &workspace, run).await;
                slot.bytes.store(clicks.bytes(), Ordering::Relaxed);
                shelf.fit(most);
                if let Err(problem) = result {
                    tracing::debug!(%workspace, ?problem, "clicks were not read into memory");
                    break;
                }
            }
            slot.is_read.store(false, Ordering::Relaxed);
        });
    }

    /// Forgets what nobody has asked about for long; answers how many bytes are left.
    pub(crate) fn tidy(&self) -> usize {
        let mut slots = self.shelf.lock();
        slots.retain(|_, slot| slot.asked().elapsed() < UNASKED && slot.made.elapsed() < LONGEST);
        slots.values().map(|slot| slot.bytes()).sum()
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

    /// Lets go of those who were not asked about for longest, until the others fit.
    fn fit(&self, most: usize) {
        let mut slots = self.lock();
        while slots.values().map(|slot| slot.bytes()).sum::<usize>() > most {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.asked());
            let Some(oldest) = oldest.map(|(workspace, _)| workspace.clone()) else {
                return;
            };
            slots.remove(&oldest);
        }
    }
}
