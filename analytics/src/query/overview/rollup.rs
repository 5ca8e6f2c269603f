//! When the clicks of an overview can be counted out of rollups, which are the projections of migration 0020.
//!
//! A rollup knows clicks by hours of UTC (by days, where it is by link), their outcome, their verdict and one thing more. What asks no more than that gets from it
//! the same numbers as from the clicks; everything else is counted click by click. How they are asked stands in `sql/overview`.

use super::super::dimension::Dimension;
use super::super::question::{Question, Traffic};
use crate::reports::range::Range;

/// Dimensions of which there is a rollup by the hour.
const COLUMNS: [&str; 5] = ["channel", "source", "country", "device", "browser"];
pub(super) const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
pub(super) const HOUR_MS: i64 = HOUR_S * 1_000;
/// Hours are told in 32 bits, which end in 2106.
const LAST_MS: i64 = u32::MAX as i64 * 1_000;

/// Days of UTC that are whole, in seconds since 1970: the first, and the first behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: i64,
    pub(super) behind: i64,
}

impl Days {
    /// Those of a range, if it has any.
    pub(super) fn of(range: &Range) -> Option<Self> {
        let (from, to) = (range.from.as_second(), range.to.as_second());
        let days = Self {
            first: from + (-from).rem_euclid(DAY_S),
            behind: to - to.rem_euclid(DAY_S),
        };
        (days.first < days.behind).then_some(days)
    }
}

/// Whether there is a rollup by a dimension: of links by the day, so only where there are whole ones.
pub(super) fn has(dimension: Dimension, range: &Range) -> bool {
    COLUMNS.contains(&dimension.column) || dimension.is_link() && Days::of(range).is_some()
}

/// Whether rollups answer a question exactly, for this range, cut at these edges (seconds since 1970).
pub(super) fn fits(question: &Question, range: &Range, edges: &[i64]) -> bool {
    let (from, to) = (range.from.as_millisecond(), range.to.as_millisecond());
    let bounds = [from, to];
    question.filter.is_none()
        && matches!(question.traffic, Traffic::Human | Traffic::All)
        && bounds.iter().all(|at| at.rem_euclid(HOUR_MS) == 0)
        && from >= 0
        && to <= LAST_MS
        && are_hours(edges)
}

/// Whether these moments, in seconds since 1970, are whole hours.
pub(super) fn are_hours(edges: &[i64]) -> bool {
    edges.iter().all(|edge| edge.rem_euclid(HOUR_S) == 0)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn range(from: i64, to: i64) -> Range {
        let at = |second| Timestamp::from_second(second).unwrap();
        Range {
            from: at(from),
            to: at(to),
            zone: TimeZone::UTC,
        }
    }

    proptest! {
        #[test]
        fn whole_days_are_in_the_range_and_no_other_is(
            from in -3_000_000_i64..3_000_000, length in 0_i64..2_000_000,
        ) {
            let to = from + length;
            let inside = |day: &i64| day * DAY_S >= from && (day + 1) * DAY_S <= to;
            let days: Vec<i64> = (-40..60).filter(inside).collect();
            let expected = days.first().zip(days.last()).map(|(first, last)| Days {
                first: first * DAY_S,
                behind: (last + 1) * DAY_S,
            });
            prop_assert_eq!(Days::of(&range(from, to)), expected);
        }
    }
}
