//! The figures of all lanes that a process ships.

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

use crate::journal::{Backlog, Lost};

/// The figures; all lanes of a process share them.
#[derive(Clone, Debug, Default)]
pub struct ShipMetrics {
    pub(super) blocks: Counter,
    pub(super) records: Counter,
    pub(super) failures: Counter,
    pub(super) set_aside: Counter,
    pub(super) resent: Counter,
    aside: Gauge,
    backlog_records: Gauge,
    backlog_bytes: Gauge,
    lost: Family<Loss, Counter>,
    oldest: Oldest,
}

/// Why a record is not in the journal any more, or never was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Loss {
    reason: &'static str,
}

impl ShipMetrics {
    /// Registers the figures.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let it = Self::default();
        let counters = [
            ("blocks_delivered", "Blocks that have arrived", &it.blocks),
            (
                "records_delivered",
                "Records that have arrived",
                &it.records,
            ),
            (
                "delivery_failures",
                "Deliveries that failed and were tried again",
                &it.failures,
            ),
            (
                "blocks_set_aside",
                "Blocks that were refused for good and set aside",
                &it.set_aside,
            ),
            (
                "blocks_resent",
                "Blocks that were set aside, sent again, and have arrived",
                &it.resent,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let lost = "Records that the journal had no room for, that were too large for it, or that were damaged in it";
        registry.register("journal_lost", lost, it.lost.clone());
        let records = "Records in the journal that have not arrived";
        registry.register(
            "journal_backlog_records",
            records,
            it.backlog_records.clone(),
        );
        let bytes = "Bytes in the journal that have not arrived";
        registry.register_with_unit(
            "journal_backlog",
            bytes,
            Unit::Bytes,
            it.backlog_bytes.clone(),
        );
        let aside = "Blocks that are set aside now";
        registry.register("journal_blocks_aside", aside, it.aside.clone());
        registry.register_collector(Box::new(it.oldest.clone()));
        it
    }

    /// The part of one lane, which moves the sums over all, so that they need no label for each.
    pub(super) fn lane(&self) -> LaneFigures {
        // Every reason is there from the start, at zero.
        for reason in ["full", "too_large", "corrupt"] {
            drop(self.lost.get_or_create(&Loss { reason }));
        }
        LaneFigures {
            metrics: self.clone(),
            backlog: Backlog::default(),
            lost: Lost::default(),
            aside: 0,
            oldest: self.oldest.enter(),
        }
    }
}

/// What one lane has added to the sums.
#[derive(Debug)]
pub(super) struct LaneFigures {
    metrics: ShipMetrics,
    backlog: Backlog,
    lost: Lost,
    aside: i64,
    oldest: Arc<AtomicI64>,
}

impl LaneFigures {
    /// What the lane holds now, since when the oldest of it waits, and what was lost so far.
    pub(super) fn observe(&mut self, backlog: Backlog, oldest: Option<Instant>, lost: Lost) {
        let change = |last: u64, now: u64| now as i64 - last as i64;
        let metrics = &self.metrics;
        let records = change(self.backlog.records, backlog.records);
        metrics.backlog_records.inc_by(records);
        let bytes = change(self.backlog.bytes, backlog.bytes);
        metrics.backlog_bytes.inc_by(bytes);
        for (reason, last, now) in [
            ("full", self.lost.full, lost.full),
            ("too_large", self.lost.too_large, lost.too_large),
            ("corrupt", self.lost.corrupt, lost.corrupt),
        ] {
            if now > last {
                let lost = metrics.lost.get_or_create(&Loss { reason });
                lost.inc_by(now - last);
            }
        }
        let oldest = oldest.map_or(NOTHING, |oldest| metrics.oldest.stamp(oldest));
        self.oldest.store(oldest, Relaxed);
        (self.backlog, self.lost) = (backlog, lost);
    }

    /// How many blocks are set aside now.
    pub(super) fn aside(&mut self, count: usize) {
        let count = count as i64;
        self.metrics.aside.inc_by(count - self.aside);
        self.aside = count;
    }
}

/// Nothing waits in the lane.
const NOTHING: i64 = i64::MAX;

/// Since when the oldest record of each lane waits; its age is found at the scrape.
#[derive(Clone)]
struct Oldest {
    start: Instant,
    /// Of each lane, in milliseconds from the start; before it for what an earlier process has left.
    lanes: Arc<Mutex<Vec<Arc<AtomicI64>>>>,
}

impl Oldest {
    fn enter(&self) -> Arc<AtomicI64> {
        let lane = Arc::new(AtomicI64::new(NOTHING));
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.push(Arc::clone(&lane));
        lane
    }

    fn stamp(&self, at: Instant) -> i64 {
        let (after, before) = (
            at.saturating_duration_since(self.start),
            self.start.saturating_duration_since(at),
        );
        after.as_millis() as i64 - before.as_millis() as i64
    }

    fn seconds(&self) -> f64 {
        let now = self.stamp(Instant::now());
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = lanes.iter().map(|lane| lane.load(Relaxed)).min();
        let oldest = oldest.filter(|&at| at != NOTHING);
        oldest.map_or(0.0, |at| (now - at).max(0) as f64 / 1000.0)
    }
}

impl Default for Oldest {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            lanes: Arc::default(),
        }
    }
}

impl fmt::Debug for Oldest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Oldest").field(&self.seconds()).finish()
    }
}

impl Collector for Oldest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(self.seconds());
        let help = "How long the oldest record in the journal waits that has not arrived";
        let name = "journal_oldest_unshipped";
        let descriptor =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), gauge.metric_type())?;
        gauge.encode(descriptor)
    }
}
