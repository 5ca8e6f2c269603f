//! What came of it, and whether it is what was promised.

use anyhow::{Result, ensure};
use serde::Serialize;

use super::waits::{Latency, Part, Story};
use super::watch::{Memory, Sample};
use crate::load::open::Waits;
use crate::median::rounded;
use crate::outcome::PROFILE;

const MIB: u64 = 1 << 20;
/// What a redirector may hold more than before the outage, for each of its lanes: one block under way (8 MiB, of which
/// its request is a view) and the next one's reading.
const REDIRECTOR_MIB_A_LANE: u64 = 16;
/// What ingest may hold more: four blocks at a time, each as wire form (8 MiB) and as rows (about as much again).
const INGEST_MIB: u64 = 4 * 2 * 8;
/// Of either: what an allocator keeps, threads that are started under load.
const SLACK_MIB: u64 = 16;

/// What ClickHouse has at last.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Stored {
    /// Rows.
    pub(super) rows: u64,
    /// Different `(lane, seq)` among them.
    pub(super) numbers: u64,
    /// Different click ids among them.
    pub(super) ids: u64,
    /// Clicks in the rollup by the hour.
    pub(super) rolled_up: u64,
}

/// What a process held, in MiB.
#[derive(Serialize)]
struct Held {
    /// Its own memory at most before the outage.
    own_before_mib: f64,
    /// The same from the outage's begin to the end.
    own_max_mib: f64,
    /// With the pages of files that it has mapped, the journal's among them, which the kernel takes back when it likes.
    resident_max_mib: f64,
    /// What its own memory may grow by.
    growth_bound_mib: u64,
}

/// What came of it.
#[derive(Serialize)]
pub(super) struct Outcome {
    /// How long visitors waited while ClickHouse was away, by how long they waited before.
    p50_ratio_during: f64,
    p99_ratio_during: f64,
    rss_max_redirector_mib: f64,
    rss_max_ingest_mib: f64,
    /// From the engine's return until the journal was not behind.
    drained_s: f64,
    /// Clicks delivered in that time, by clicks that came.
    drain_ratio: f64,
    missing: u64,
    duplicated: u64,
    /// Clicks that were redirected.
    answered: u64,
    /// Clicks that were not.
    errors: u64,
    /// Clicks that the journal had no room for.
    events_dropped: u64,
    stored: Stored,
    backlog_max_records: u64,
    backlog_max_mib: f64,
    /// The age of the oldest click that had not arrived, by the redirector's metric.
    oldest_unshipped_max_s: f64,
    redirector: Held,
    ingest: Held,
    before: Option<Latency>,
    hung: Option<Latency>,
    gone: Option<Latency>,
    during: Option<Latency>,
    draining: Option<Latency>,
    after: Option<Latency>,
    rate: u32,
    threads: u8,
    profile: &'static str,
}

impl Outcome {
    #[expect(
        clippy::too_many_arguments,
        reason = "each comes from somebody else, and all are told here"
    )]
    pub(super) fn new(
        rate: u32,
        threads: u8,
        story: &Story,
        drained_records: u64,
        waits: &Waits,
        samples: &[Sample],
        stored: Stored,
        events_dropped: u64,
    ) -> Self {
        let latency = |parts: &[Part]| story.latency(parts, waits);
        let (before, during) = (latency(&[Part::Before]), latency(&[Part::Hung, Part::Gone]));
        let ratio = |pick: fn(&Latency) -> f64| match (&during, &before) {
            (Some(during), Some(before)) => rounded(pick(during) / pick(before), 2),
            _ => f64::NAN,
        };
        let drained_s = story
            .span(Part::Draining)
            .map_or(f64::NAN, |(from, to)| (to - from).as_secs_f64());
        let redirector_bound = REDIRECTOR_MIB_A_LANE * u64::from(threads) + SLACK_MIB;
        let redirector = held(story, samples, |sample| sample.redirector, redirector_bound);
        let ingest = held(
            story,
            samples,
            |sample| sample.ingest,
            INGEST_MIB + SLACK_MIB,
        );
        let most = |pick: fn(&Sample) -> u64| samples.iter().map(pick).max().unwrap_or_default();
        Self {
            p50_ratio_during: ratio(|latency| latency.p50_us),
            p99_ratio_during: ratio(|latency| latency.p99_us),
            rss_max_redirector_mib: redirector.resident_max_mib,
            rss_max_ingest_mib: ingest.resident_max_mib,
            drained_s: rounded(drained_s, 1),
            drain_ratio: rounded(drained_records as f64 / drained_s / f64::from(rate), 2),
            missing: waits.answers_in_all.saturating_sub(stored.ids),
            duplicated: stored.rows - stored.numbers.min(stored.ids),
            answered: waits.answers_in_all,
            errors: waits.errors,
            events_dropped,
            stored,
            backlog_max_records: most(|sample| sample.backlog_records),
            backlog_max_mib: mib(most(|sample| sample.backlog_bytes)),
            oldest_unshipped_max_s: samples
                .iter()
                .map(|sample| sample.oldest_seconds)
                .fold(0.0, f64::max),
            redirector,
            ingest,
            before,
            hung: latency(&[Part::Hung]),
            gone: latency(&[Part::Gone]),
            during,
            draining: latency(&[Part::Draining]),
            after: latency(&[Part::After]),
            rate,
            threads,
            profile: PROFILE,
        }
    }

    /// Fails where a click was lost, counted twice or not answered, or memory has no bound. Times only inform.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.errors == 0, "{} clicks failed", self.errors);
        ensure!(
            self.events_dropped == 0,
            "{} clicks found no room in the journal",
            self.events_dropped
        );
        ensure!(self.missing == 0, "{} clicks are missing", self.missing);
        ensure!(
            self.duplicated == 0,
            "{} clicks came twice",
            self.duplicated
        );
        ensure!(
            self.stored.ids == self.answered,
            "{} clicks are stored that nobody was answered",
            self.stored.ids - self.answered
        );
        ensure!(
            self.stored.rolled_up == self.stored.rows,
            "the rollup counts {} clicks of {}",
            self.stored.rolled_up,
            self.stored.rows
        );
        for (name, held) in [("redirector", &self.redirector), ("ingest", &self.ingest)] {
            let grown = held.own_max_mib - held.own_before_mib;
            ensure!(
                grown <= held.growth_bound_mib as f64,
                "{name} has grown by {grown} MiB, above its bound of {} MiB",
                held.growth_bound_mib
            );
        }
        Ok(())
    }
}

fn held(
    story: &Story,
    samples: &[Sample],
    whose: fn(&Sample) -> Memory,
    growth_bound_mib: u64,
) -> Held {
    let outage = story.span(Part::Hung).map(|(from, _)| from);
    let is_later = |sample: &&Sample| outage.is_some_and(|outage| sample.at >= outage);
    let most = |is_later_wanted: bool, pick: fn(Memory) -> u64| {
        let chosen = samples
            .iter()
            .filter(|sample| is_later(sample) == is_later_wanted);
        mib(chosen
            .map(|sample| pick(whose(sample)))
            .max()
            .unwrap_or_default())
    };
    Held {
        own_before_mib: most(false, |memory| memory.own),
        own_max_mib: most(true, |memory| memory.own),
        resident_max_mib: most(true, |memory| memory.resident),
        growth_bound_mib,
    }
}

fn mib(bytes: u64) -> f64 {
    rounded(bytes as f64 / MIB as f64, 1)
}
