//! Lanes as they may never come: random numbers, repeats, deletions and words about them, audited by ClickHouse and
//! counted by hand.

use std::collections::BTreeMap;
use std::fmt::Write;

use fastrand::Rng;
use whence_analytics::audit::LaneAudit;
use whence_core::journal::LaneId;
use whence_core::test_support::Engine;

use crate::audit::{account, auditor, clicks, gap, numbers, run};

/// Worlds of a run.
const WORLDS: u64 = 6;
/// What the worlds are made of.
const SEED: u64 = 20_261_122;
/// Where a bucket of the audit ends.
const EDGE: u64 = 65_536;

/// One lane as it was made.
#[derive(Debug, Default)]
struct Lane {
    /// How often each number is stored.
    rows: BTreeMap<u64, u64>,
    taken: u64,
    freed: u64,
    /// First, last and reason, the last word last.
    gaps: Vec<(u64, u64, &'static str)>,
}

impl Lane {
    /// Makes a lane with numbers on both sides of the end of a bucket, and all that may befall it.
    async fn make(client: &clickhouse::Client, id: u64, rng: &mut Rng) -> (Self, Vec<u64>) {
        let mut lane = Self::default();
        let start = [0, EDGE - 30, 2 * EDGE - 30][rng.usize(..3)];
        if start > 0 && rng.bool() {
            clicks(client, id, &numbers(1, start)).await;
            lane.rows.extend((1..=start).map(|seq| (seq, 1)));
        }
        let mut singles = Vec::new();
        for seq in start + 1..=start + rng.u64(1..80) {
            let times = [0, 0, 1, 1, 1, 1, 1, 1, 2, 3][rng.usize(..10)];
            singles.extend((0..times).map(|_| seq));
            if times > 0 {
                lane.rows.insert(seq, times);
            }
        }
        if !singles.is_empty() {
            rng.shuffle(&mut singles);
            let source = format!("SELECT arrayJoin({singles:?}) AS seq");
            clicks(client, id, &source).await;
        }
        // Deleted with those of the other lanes: a mutation of a table is slow.
        let deleted = lane.rows.keys().copied().filter(|_| rng.u8(..20) == 0);
        let deleted: Vec<u64> = deleted.take(200).collect();
        lane.rows.retain(|seq, _| !deleted.contains(seq));
        let highest = lane.rows.keys().next_back().copied().unwrap_or(0);
        lane.taken = highest.max(start + rng.u64(..100));
        lane.freed = lane.taken.saturating_sub(rng.u64(..90));
        if rng.u8(..5) > 0 {
            // What it gave out since is told by its rows.
            let taken = lane.freed.max(lane.taken - rng.u64(..=lane.taken.min(5)));
            lane.taken = taken.max(highest);
            account(client, id, "redirector", taken, lane.freed).await;
        } else {
            (lane.taken, lane.freed) = (highest, 0);
        }
        for age in (1..=rng.u64(..6)).rev() {
            let first = start.saturating_sub(5) + rng.u64(1..90);
            let last = first + rng.u64(..15);
            let reason = ["refused", "damaged", "unreadable", "set_aside"][rng.usize(..4)];
            gap(client, id, first, last, reason, age * 10).await;
            // The same words again are the same row, which has the time of the later.
            lane.gaps.retain(|&word| word != (first, last, reason));
            lane.gaps.push((first, last, reason));
        }
        (lane, deleted)
    }

    fn reason(&self, seq: u64) -> &'static str {
        let words = self.gaps.iter();
        let word = words
            .rev()
            .find(|(first, last, _)| (*first..=*last).contains(&seq));
        word.map_or("unknown", |word| word.2)
    }

    /// Compares what the audit says with what was made.
    fn check(&self, audit: &LaneAudit) -> Result<(), String> {
        let mut wrong = String::new();
        let mut equal = |what: &str, found: u64, made: u64| {
            if found != made {
                let _ = write!(wrong, "{what}: found {found}, made {made}; ");
            }
        };
        let absent = |seq: &u64| !self.rows.contains_key(seq);
        let missing: Vec<u64> = (1..=self.freed).filter(absent).collect();
        let waiting: Vec<u64> = (self.freed + 1..=self.taken).filter(absent).collect();
        equal("taken", audit.taken, self.taken);
        equal("freed", audit.freed, self.freed);
        equal("rows", audit.rows, self.rows.values().sum());
        equal("stored", audit.stored, self.rows.len() as u64);
        equal("missing", audit.missing.count, missing.len() as u64);
        equal("waiting", audit.waiting.count, waiting.len() as u64);
        let repeats = self.rows.values().map(|times| times - 1).sum();
        equal("duplicated", audit.duplicated.count, repeats);
        let more = audit.missing.more || audit.waiting.more || audit.duplicated.more;
        equal("more", more.into(), 0);
        let named = audit.missing.ranges.iter();
        let named = named.flat_map(|r| (r.first..=r.last).map(|seq| (seq, r.reason.as_str())));
        if !named.eq(missing.iter().map(|&seq| (seq, self.reason(seq)))) {
            let _ = write!(wrong, "missing: {:?}; ", audit.missing.ranges);
        }
        let named = audit.waiting.ranges.iter().flat_map(|r| r.first..=r.last);
        if !named.eq(waiting) {
            let _ = write!(wrong, "waiting: {:?}; ", audit.waiting.ranges);
        }
        let named = audit.duplicated.numbers.iter().map(|r| (r.seq, r.rows));
        let repeated = self.rows.iter().map(|(&seq, &rows)| (seq, rows));
        if !named.eq(repeated.filter(|&(_, rows)| rows > 1)) {
            let _ = write!(wrong, "repeated: {:?}; ", audit.duplicated.numbers);
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }
}

#[tokio::test]
async fn any_lanes_are_counted_as_by_hand() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let mut rng = Rng::with_seed(SEED);
    let mut lanes = BTreeMap::new();
    for _ in 0..WORLDS {
        let mut deleted = String::from("false");
        for _ in 0..3 {
            let id = rng.u64(1..);
            let (lane, gone) = Lane::make(&client, id, &mut rng).await;
            let _ = write!(deleted, " OR (lane = {id} AND has({gone:?}, seq))");
            lanes.insert(id, lane);
        }
        let delete =
            format!("ALTER TABLE clicks DELETE WHERE {deleted} SETTINGS mutations_sync = 1");
        run(&client, &delete).await;
        let all: Vec<_> = lanes.keys().copied().map(LaneId::new).collect();
        let found = auditor(&engine).audit(&all).await.unwrap();
        for (&id, lane) in &lanes {
            let name = LaneId::new(id).to_string();
            let audit = found.clicks.lanes.iter().find(|audit| audit.lane == name);
            match audit {
                Some(audit) => lane
                    .check(audit)
                    .unwrap_or_else(|wrong| panic!("{name} of {SEED}: {wrong}")),
                None => assert!(
                    lane.rows.is_empty() && lane.freed == 0,
                    "{name} of {SEED} is not there"
                ),
            }
        }
        let missing: u64 = found
            .clicks
            .lanes
            .iter()
            .map(|lane| lane.missing.count)
            .sum();
        assert_eq!(found.clicks.missing, missing);
    }
}
