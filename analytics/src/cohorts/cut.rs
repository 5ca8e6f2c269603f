//! The intervals of which cohorts and their periods are made.

use jiff::{Timestamp, ToSpan};

use crate::reports::interval::{Interval, TooMany, starts};
use crate::reports::range::Range;

/// The days after which the longest interval is surely over.
fn most_days(interval: Interval) -> i32 {
    match interval {
        Interval::Week => 8,
        Interval::Month => 32,
        Interval::Minute | Interval::Hour | Interval::Day | Interval::Quarter | Interval::Year => 2,
    }
}

/// Intervals from the one in which the first people came to the end of the last period of the last cohort.
#[derive(Debug)]
pub(super) struct Cut {
    /// Where intervals begin, one more than there are.
    edges: Vec<Timestamp>,
    /// How many of them are cohorts.
    pub(super) cohorts: usize,
}

impl Cut {
    /// For the people of a range, and so many periods behind the one in which they came.
    pub(super) fn new(interval: Interval, range: &Range, periods: usize) -> Result<Self, TooMany> {
        let cohorts = starts(interval, range)?.len();
        let wanted = cohorts + periods + 1;
        let days = most_days(interval) * i32::try_from(periods + 2).unwrap_or(i32::MAX);
        let behind = range.zone.to_datetime(range.to).saturating_add(days.days());
        let whole = Range {
            to: crate::reports::range::start_of(behind.date(), &range.zone),
            ..range.clone()
        };
        let mut edges = starts(interval, &whole)?;
        edges.truncate(wanted);
        Ok(Self { edges, cohorts })
    }

    /// Where the intervals begin, in seconds since 1970.
    pub(super) fn seconds(&self) -> Vec<i64> {
        self.edges.iter().map(|edge| edge.as_second()).collect()
    }

    /// Where an interval begins.
    pub(super) fn start(&self, interval: usize) -> Timestamp {
        self.edges[interval]
    }

    /// Where the last one ends.
    pub(super) fn end(&self) -> Timestamp {
        self.edges[self.edges.len() - 1]
    }

    /// The number of the interval that begins at this second.
    pub(super) fn number(&self, second: i64) -> Option<usize> {
        self.edges
            .binary_search_by_key(&second, |edge| edge.as_second())
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cohort_has_all_its_periods() {
        let moment = |text: &str| Some(text.parse().unwrap());
        for (interval, from, to) in [
            (Interval::Day, "2026-03-28", "2026-03-30"),
            (Interval::Week, "2026-10-20", "2026-11-02"),
            (Interval::Month, "2026-01-31", "2026-02-01"),
        ] {
            for periods in [0, 1, 5, 60] {
                let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
                let range =
                    Range::new(moment(from), moment(to), zone, Timestamp::UNIX_EPOCH).unwrap();
                let cut = Cut::new(interval, &range, periods).unwrap();
                assert_eq!(cut.edges.len(), cut.cohorts + periods + 1);
                assert!(cut.start(0) <= range.from && cut.start(1) > range.from);
                assert!(cut.start(cut.cohorts) >= range.to);
                assert!(cut.start(cut.cohorts - 1) < range.to);
                assert_eq!(cut.number(cut.start(1).as_second()), Some(1));
                assert_eq!(cut.number(cut.start(1).as_second() + 1), None);
            }
        }
    }
}
