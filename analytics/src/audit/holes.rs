//! Which numbers are not there, from how many of each bucket are. Pure: no query is asked here.

use super::report::{Range, Waiting};

/// Numbers that are looked at together, as `sql/audit/buckets.sql` cuts them.
pub(super) const BUCKET: u64 = 65_536;

/// The stored numbers of a lane that lie in one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Which one: its first number divided by [`BUCKET`].
    pub(super) number: u64,
    /// Rows.
    pub(super) rows: u64,
    /// Different numbers that they have, at least one.
    pub(super) numbers: u64,
    /// The lowest of these.
    pub(super) lowest: u64,
    /// The highest of these.
    pub(super) highest: u64,
    /// Each run of these, first and last, ascending; none where it was not asked for.
    pub(super) runs: Option<Vec<(u64, u64)>>,
}

impl Bucket {
    /// Whether nothing is missing between its lowest and its highest number.
    pub(super) fn is_whole(&self) -> bool {
        self.highest - self.lowest + 1 == self.numbers
    }

    /// Whether its numbers lie on both sides of this one, so that only their runs can tell how many on which.
    pub(super) fn is_split_by(&self, freed: u64) -> bool {
        self.lowest <= freed && freed < self.highest
    }
}

/// The numbers of a lane that are not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holes {
    /// Up to `freed`.
    pub(super) missing: Waiting,
    /// Above it.
    pub(super) waiting: Waiting,
}

/// What is not stored of the numbers above `expired` and up to `taken`, with at most `most` ranges on either side of
/// `freed`. A bucket that is split by `expired` or `freed` must know its runs unless it is whole; any other may go
/// without, and its holes are then counted and not named.
pub(super) fn holes(
    buckets: &[Bucket],
    expired: u64,
    taken: u64,
    freed: u64,
    most: usize,
) -> Holes {
    let mut walk = Walk {
        holes: Holes::default(),
        freed,
        most,
        expired,
        reached: expired,
    };
    for bucket in buckets {
        match &bucket.runs {
            Some(runs) => runs
                .iter()
                .for_each(|&(first, last)| walk.stored(first, last)),
            None => walk.partly_stored(bucket),
        }
    }
    walk.absent_up_to(taken);
    walk.holes
}

/// A walk over all numbers of a lane.
struct Walk {
    holes: Holes,
    freed: u64,
    most: usize,
    /// Up to it nothing is asked after.
    expired: u64,
    /// All numbers up to it are dealt with.
    reached: u64,
}

impl Walk {
    fn stored(&mut self, first: u64, last: u64) {
        self.absent_up_to(first - 1);
        self.reached = self.reached.max(last);
    }

    /// A bucket of which only the ends are known.
    fn partly_stored(&mut self, bucket: &Bucket) {
        self.stored(bucket.lowest, bucket.highest);
        let unnamed = bucket.highest - bucket.lowest + 1 - bucket.numbers;
        if unnamed > 0 && bucket.highest > self.expired {
            let side = match bucket.highest <= self.freed {
                true => &mut self.holes.missing,
                false => &mut self.holes.waiting,
            };
            side.count = side.count.saturating_add(unnamed);
            side.more = true;
        }
    }

    fn absent_up_to(&mut self, last: u64) {
        if last <= self.reached {
            return;
        }
        let first = self.reached + 1;
        if first <= self.freed {
            let last = last.min(self.freed);
            put(&mut self.holes.missing, first, last, self.most);
        }
        if last > self.freed {
            let first = first.max(self.freed + 1);
            put(&mut self.holes.waiting, first, last, self.most);
        }
        self.reached = last;
    }
}

fn put(side: &mut Waiting, first: u64, last: u64, most: usize) {
    side.count = side.count.saturating_add(last - first + 1);
    if side.ranges.len() < most {
        side.ranges.push(Range { first, last });
    } else {
        side.more = true;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Buckets as ClickHouse would count them, some of them without their runs.
    fn buckets(stored: &BTreeSet<u64>, named: impl Fn(&Bucket) -> bool) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for &seq in stored {
            match buckets.last_mut().filter(|b| b.number == seq / BUCKET) {
                Some(bucket) => {
                    let runs = bucket.runs.as_mut().unwrap();
                    match runs.last_mut().filter(|run| run.1 + 1 == seq) {
                        Some(run) => run.1 = seq,
                        None => runs.push((seq, seq)),
                    }
                    (bucket.numbers, bucket.highest) = (bucket.numbers + 1, seq);
                }
                None => buckets.push(Bucket {
                    number: seq / BUCKET,
                    rows: 1,
                    numbers: 1,
                    lowest: seq,
                    highest: seq,
                    runs: Some(vec![(seq, seq)]),
                }),
            }
        }
        for bucket in &mut buckets {
            if !named(bucket) {
                bucket.runs = None;
            }
        }
        buckets
    }

    fn named(side: &Waiting) -> Vec<u64> {
        side.ranges.iter().flat_map(|r| r.first..=r.last).collect()
    }

    proptest! {
        // Some of them walk over several buckets.
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_not_there_is_named(
            around in prop::collection::btree_set(1_u64..400, 0..200),
            base in prop::sample::select(vec![0, BUCKET - 200, 2 * BUCKET - 3]),
            taken in 0_u64..500, freed in 0_u64..500, expired in prop::option::of(0_u64..450),
        ) {
            let stored: BTreeSet<u64> = around.iter().map(|n| n + base).collect();
            let freed = base + freed;
            let taken = (base + taken).max(freed).max(stored.last().copied().unwrap_or(0));
            let expired = expired.map_or(0, |expired| base + expired).min(taken);
            let found = holes(&buckets(&stored, |_| true), expired, taken, freed, usize::MAX);
            let absent = |range: std::ops::RangeInclusive<u64>| -> Vec<u64> {
                range.filter(|seq| *seq > expired && !stored.contains(seq)).collect()
            };
            prop_assert_eq!(named(&found.missing), absent(1..=freed));
            prop_assert_eq!(named(&found.waiting), absent(freed + 1..=taken));
            for side in [&found.missing, &found.waiting] {
                prop_assert_eq!(side.count, named(side).len() as u64);
                prop_assert!(!side.more);
                prop_assert!(side.ranges.windows(2).all(|w| w[0].last + 1 < w[1].first), "ranges are as long as they can be");
            }

            // Without the runs of what is neither whole nor split, the counts are the same.
            let is_split = |bucket: &Bucket| bucket.is_split_by(freed) || bucket.is_split_by(expired);
            let few = buckets(&stored, |bucket| is_split(bucket) && !bucket.is_whole());
            let counted = holes(&few, expired, taken, freed, 2);
            prop_assert_eq!(counted.missing.count, found.missing.count);
            prop_assert_eq!(counted.waiting.count, found.waiting.count);
            for (side, exact) in [(counted.missing, found.missing), (counted.waiting, found.waiting)] {
                prop_assert!(side.ranges.len() <= 2);
                prop_assert!(side.more || side.ranges == exact.ranges, "what is left out is said");
            }
        }
    }

    #[test]
    fn the_highest_number_there_is_does_no_harm() {
        let last = u64::MAX;
        let bucket = Bucket {
            number: last / BUCKET,
            rows: 1,
            numbers: 1,
            lowest: last,
            highest: last,
            runs: None,
        };
        let found = holes(&[bucket], 0, last, last, 1);
        let range = Range {
            first: 1,
            last: last - 1,
        };
        assert_eq!(found.missing.ranges, [range]);
        assert_eq!(found.waiting.count, 0);
    }
}
