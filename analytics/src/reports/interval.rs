//! How a range is cut into intervals, by the workspace's own clock.
//!
//! The rules of time zones are asked here once and go to ClickHouse as the instants at which intervals
//! begin, so that two databases of zones can never disagree about where a day ends.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

use super::range::{Range, start_of};

/// A year of hours fits; more points than these nobody reads.
const MOST: usize = 10_000;

/// How long an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interval {
    /// A minute.
    Minute,
    /// From full hour to full hour on the workspace's clock. An hour that comes twice is two; where
    /// clocks are moved within an hour, it ends there and another begins.
    Hour,
    /// From midnight to midnight: 23 to 25 hours.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
    /// Three of them, from January, April, July or October on.
    Quarter,
    /// A year of the calendar.
    Year,
}

impl Interval {
    const ALL: [Self; 7] = [
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];
}

impl Interval {
    /// The name by which it is asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl FromStr for Interval {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.name() == text)
            .ok_or("must be minute, hour, day, week, month, quarter or year")
    }
}

/// The range has too many of these intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the range has more than {MOST} of these; take a longer interval or a shorter range")]
pub(crate) struct TooMany;

/// The instants at which the range's intervals begin. The first may begin before the range does: it is
/// the whole interval of which the range has a part.
pub(crate) fn starts(interval: Interval, range: &Range) -> Result<Vec<Timestamp>, TooMany> {
    let mut starts = vec![start(interval, range.from, range)];
    loop {
        let next = next(interval, starts[starts.len() - 1], range);
        if next >= range.to {
            return Ok(starts);
        }
        if starts.len() == MOST {
            return Err(TooMany);
        }
        starts.push(next);
    }
}

/// The beginning of the interval in which an instant lies.
fn start(interval: Interval, at: Timestamp, range: &Range) -> Timestamp {
    let local = range.zone.to_datetime(at);
    let seconds = match interval {
        Interval::Minute => i64::from(local.second()),
        Interval::Hour => i64::from(local.minute()) * 60 + i64::from(local.second()),
        Interval::Day | Interval::Week | Interval::Month | Interval::Quarter | Interval::Year => {
            return start_of(first_day(interval, local.date()), &range.zone);
        }
    };
    let by_clock = Timestamp::from_second(at.as_second() - seconds).expect("near the range");
    // The hour hand stands where it does only since the clocks were last moved.
    let moved = range.zone.preceding(at + 1.nanosecond());
    let moved = moved.take_while(|t| t.timestamp() > by_clock);
    let moved = moved.map(|t| t.timestamp()).find(|&t| shifts(t, range));
    moved.unwrap_or(by_clock)
}

/// The beginning of the interval after the one that begins at `at`.
fn next(interval: Interval, at: Timestamp, range: &Range) -> Timestamp {
    let local = range.zone.to_datetime(at);
    let seconds = match interval {
        Interval::Minute => 60 - i64::from(local.second()),
        Interval::Hour => 3600 - i64::from(local.minute()) * 60 - i64::from(local.second()),
        Interval::Day | Interval::Week | Interval::Month | Interval::Quarter | Interval::Year => {
            let mut day = first_day(interval, local.date());
            loop {
                day = match interval {
                    Interval::Month => day.saturating_add(1.month()),
                    Interval::Quarter => day.saturating_add(3.months()),
                    Interval::Year => day.saturating_add(1.year()),
                    Interval::Week => day.saturating_add(1.week()),
                    Interval::Minute | Interval::Hour | Interval::Day => {
                        day.saturating_add(1.day())
                    }
                };
                let next = start_of(day, &range.zone);
                // A day that a zone has left out of its calendar begins where the next one does.
                if next > at {
                    return next;
                }
            }
        }
    };
    let by_clock = Timestamp::from_second(at.as_second() + seconds).expect("near the range");
    let moved = range.zone.following(at);
    let moved = moved.take_while(|t| t.timestamp() < by_clock);
    let moved = moved.map(|t| t.timestamp()).find(|&t| shifts(t, range));
    moved.unwrap_or(by_clock)
}

/// Whether clocks are moved at this instant; a zone may also change in name only.
fn shifts(at: Timestamp, range: &Range) -> bool {
    range.zone.to_offset(at) != range.zone.to_offset(at - 1.nanosecond())
}

fn first_day(interval: Interval, day: Date) -> Date {
    match interval {
        Interval::Week => {
            let since_monday = i64::from(day.weekday().to_monday_zero_offset());
            day.saturating_sub(since_monday.days())
        }
        Interval::Month => day.first_of_month(),
        Interval::Quarter => {
            let into = i32::from((day.month() - 1) % 3);
            day.first_of_month().saturating_sub(into.months())
        }
        Interval::Year => day.first_of_year(),
        Interval::Minute | Interval::Hour | Interval::Day => day,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn range(from: &str, to: &str, zone: &str) -> Range {
        let moment = |text: &str| Some(text.parse().unwrap());
        let zone = TimeZone::get(zone).unwrap();
        Range::new(moment(from), moment(to), zone, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn shown(interval: Interval, range: &Range) -> Vec<String> {
        let starts = starts(interval, range).unwrap();
        starts.into_iter().map(|at| range.show(at)).collect()
    }

    #[test]
    fn an_hour_that_comes_twice_is_two_and_one_that_is_skipped_is_none() {
        let autumn = shown(
            Interval::Hour,
            &range("2026-10-25", "2026-10-25", "Europe/Berlin"),
        );
        assert_eq!(autumn.len(), 25);
        assert_eq!(
            autumn[2..4],
            ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
        );
        let spring = shown(
            Interval::Hour,
            &range("2026-03-08", "2026-03-08", "America/New_York"),
        );
        assert_eq!(spring.len(), 23);
        assert_eq!(
            spring[1..3],
            ["2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00"]
        );
    }

    #[test]
    fn hours_of_a_zone_between_two_hours_are_its_own() {
        let hours = shown(
            Interval::Hour,
            &range(
                "2026-11-01T00:10:00Z",
                "2026-11-01T01:00:00Z",
                "Asia/Kolkata",
            ),
        );
        assert_eq!(
            hours,
            ["2026-11-01T05:00:00+05:30", "2026-11-01T06:00:00+05:30"]
        );
    }

    #[test]
    fn clocks_moved_by_half_an_hour_end_an_hour_early() {
        // From 02:00 back to 01:30.
        let hours = shown(
            Interval::Hour,
            &range("2026-04-05", "2026-04-05", "Australia/Lord_Howe"),
        );
        let around = [
            "2026-04-05T01:00:00+11:00",
            "2026-04-05T01:30:00+10:30",
            "2026-04-05T02:00:00+10:30",
        ];
        assert_eq!(hours[1..4], around);
        assert_eq!(hours.len(), 25);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let asked = range("2026-01-01", "2026-02-01", "Europe/Berlin");
        let weeks = shown(Interval::Week, &asked);
        assert_eq!(weeks.first().unwrap(), "2025-12-29T00:00:00+01:00");
        assert_eq!(weeks.last().unwrap(), "2026-01-26T00:00:00+01:00");
        let months = shown(Interval::Month, &asked);
        assert_eq!(
            months,
            ["2026-01-01T00:00:00+01:00", "2026-02-01T00:00:00+01:00"]
        );
    }

    #[test]
    fn too_many_are_refused() {
        let month = range("2026-01-01", "2026-01-31", "UTC");
        assert_eq!(starts(Interval::Minute, &month), Err(TooMany));
        assert_eq!(starts(Interval::Hour, &month).unwrap().len(), 31 * 24);
        let week = range("2026-01-01", "2026-01-06", "UTC");
        assert_eq!(starts(Interval::Minute, &week).unwrap().len(), 6 * 1440);
    }

    #[test]
    fn a_day_that_a_zone_left_out_is_no_interval() {
        let days = shown(
            Interval::Day,
            &range("2011-12-28", "2012-01-01", "Pacific/Apia"),
        );
        assert_eq!(days.len(), 4);
        assert!(!days.iter().any(|day| day.starts_with("2011-12-30")));
    }

    proptest! {
        #[test]
        fn intervals_cover_the_range_without_overlap(
            from in 946_684_800_i64..4_000_000_000, hours in 1_i64..100,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                "Asia/Kathmandu", "Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo"]),
            interval in prop::sample::select(vec![Interval::Minute, Interval::Hour, Interval::Day, Interval::Week, Interval::Month]),
        ) {
            let from = Timestamp::from_second(from).unwrap();
            let range = Range { from, to: from + hours.hours(), zone: TimeZone::get(zone).unwrap() };
            let starts = starts(interval, &range).unwrap();
            prop_assert!(starts[0] <= range.from);
            prop_assert!(starts.is_sorted() && starts.windows(2).all(|two| two[0] < two[1]));
            prop_assert!(*starts.last().unwrap() < range.to);
            prop_assert!(next(interval, *starts.last().unwrap(), &range) >= range.to);
            // An interval's beginning is its own beginning, and so is its every instant's.
            for two in starts.windows(2) {
                prop_assert_eq!(start(interval, two[0], &range), two[0]);
                prop_assert_eq!(start(interval, two[1] - 1.nanosecond(), &range), two[0]);
            }
        }
    }
}
