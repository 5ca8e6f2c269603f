//! The clicks of a block by the month that each belongs to, which is the part of the table `clicks` that it goes into.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use whence_core::click::Click;
use whence_core::journal::{LaneId, Seq};

use crate::enrich::{ClickRow, Enricher, Seen};
use crate::insert::{InsertError, Inserts};
use crate::metrics::Table;
use crate::once::{Part, Parts};

const CLICKS_OF_BLOCK: &str = include_str!("../../../../sql/lookups/clicks_of_block.sql");

/// How many clicks of a month are looked for. One would do, were it not that a person may have been erased meanwhile.
const SAMPLES: usize = 3;
/// How many months are looked for at a time: their clicks stand in a URL, which has 64 KiB at most. A block has one, two
/// at midnight of a month's end; more only where a clock was wrong.
const AT_A_TIME: usize = 50;
/// The milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// The clicks of a block.
pub(super) struct Months<'b> {
    lane: LaneId,
    clicks: &'b [(Seq, Click<'b>)],
    enricher: &'b Enricher,
    /// What was found out about each click, once: what enriching remembers of clicks must not count them twice.
    seen: OnceLock<Vec<Seen>>,
    /// The places of each month's clicks.
    months: BTreeMap<Part, Vec<u32>>,
}

impl<'b> Months<'b> {
    /// Sorts the clicks of a block of this lane.
    pub(super) fn of(lane: LaneId, clicks: &'b [(Seq, Click<'b>)], enricher: &'b Enricher) -> Self {
        let mut months = BTreeMap::<_, Vec<_>>::new();
        for (place, (_, click)) in (0..).zip(clicks) {
            months.entry(month(click.unix_ms)).or_default().push(place);
        }
        Self {
            lane,
            clicks,
            enricher,
            seen: OnceLock::new(),
            months,
        }
    }

    /// The places of the clicks of some months.
    fn places(&self, months: &BTreeSet<Part>) -> impl Iterator<Item = usize> {
        let of_each = months.iter().filter_map(|month| self.months.get(month));
        of_each.flatten().map(|place| *place as usize)
    }
}

impl Parts for Months<'_> {
    const COUNTED: Table = Table::Clicks;
    const TABLE: &'static str = "clicks";

    async fn absent(&self, inserts: &Inserts) -> Result<BTreeSet<Part>, InsertError> {
        let mut absent: BTreeSet<Part> = self.months.keys().copied().collect();
        let samples: Vec<_> = self.months.values().map(|places| some(places)).collect();
        for samples in samples.chunks(AT_A_TIME) {
            let clicks = samples.iter().flatten().flatten();
            let clicks = clicks.map(|place| &self.clicks[*place as usize]);
            let (seqs, keys): (Vec<Seq>, Vec<_>) =
                clicks.map(|(seq, click)| (*seq, key(click))).unzip();
            let found = inserts.look::<Part>(CLICKS_OF_BLOCK, |query| {
                query
                    .param("lane", self.lane.get())
                    .param("seqs", seqs)
                    .param("keys", keys)
            });
            for month in found.await? {
                absent.remove(&month);
            }
        }
        Ok(absent)
    }

    async fn insert(
        &self,
        inserts: &Inserts,
        token: String,
        months: &BTreeSet<Part>,
    ) -> Result<(), InsertError> {
        let clicks = self.clicks.iter().map(|(_, click)| click);
        let seen = self.seen.get_or_init(|| self.enricher.see_all(clicks));
        let rows = self.places(months).map(|place| {
            let (seq, click) = &self.clicks[place];
            seen[place].row(click, self.lane.get(), *seq)
        });
        let numbers = self.places(months).map(|place| self.clicks[place].0);
        inserts
            .insert::<ClickRow<'_>>(Self::TABLE, Some(token), Box::new(rows), numbers)
            .await
    }
}

/// The first, one in the middle and the last.
fn some(places: &[u32]) -> [Option<u32>; SAMPLES] {
    let middle = places.get(places.len() / 2).filter(|_| places.len() > 2);
    let last = places.last().filter(|_| places.len() > 1);
    [places.first(), middle, last].map(Option::<&u32>::copied)
}

/// A click's key in the table, its times as ClickHouse reads them.
fn key<'c>(click: &'c Click<'_>) -> (&'c str, u64, u64, String) {
    let hour = (click.unix_ms - click.unix_ms % HOUR_MS) / 1_000;
    let time = format!("{}.{:03}", click.unix_ms / 1_000, click.unix_ms % 1_000);
    (&click.workspace, hour, click.link.0, time)
}

/// The month of a time, as ClickHouse's `toYYYYMM`.
fn month(unix_ms: u64) -> Part {
    let at = i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let date = at.unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC).date();
    u32::from(date.year().unsigned_abs()) * 100 + u32::from(date.month().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (unix_ms, expected) in [
            (0, 197001),
            (1_793_491_199_999, 202610),
            (1_793_491_200_000, 202611),
            (1_798_761_599_999, 202612),
            (1_798_761_600_000, 202701),
            (9_999_999_999_999, 228611),
            (u64::MAX, 999912),
        ] {
            assert_eq!(month(unix_ms), expected, "{unix_ms}");
        }
    }

    #[test]
    fn a_few_stand_for_all() {
        let some = |places: &[u32]| -> Vec<u32> { some(places).into_iter().flatten().collect() };
        assert_eq!(some(&[]), [0; 0]);
        assert_eq!(some(&[4]), [4]);
        assert_eq!(some(&[4, 5]), [4, 5]);
        assert_eq!(some(&[4, 5, 6]), [4, 5, 6]);
        assert_eq!(some(&[4, 5, 6, 7, 8, 9]), [4, 7, 9]);
    }
}
