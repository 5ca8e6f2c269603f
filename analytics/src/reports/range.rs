//! The stretch of time that a report is about.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Clicks older than the web's short links, or later than a 32-bit clock, are a year mistyped.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;

/// How many days a report is about where nothing is said, today included.
const DAYS: i32 = 30;

/// A point in time as a caller gives it: a day of the workspace, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A whole day.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = if text.len() == "2026-11-01".len() {
            text.parse().ok().map(Self::Day)
        } else {
            text.parse().ok().map(Self::Instant)
        };
        let in_time = |moment: &Self| {
            let year = match moment {
                Self::Day(day) => day.year(),
                Self::Instant(instant) => TimeZone::UTC.to_datetime(*instant).year(),
            };
            YEARS.contains(&year)
        };
        moment.filter(in_time).ok_or(
            "must be a day such as 2026-11-01, or an instant such as 2026-11-01T12:00:00Z, \
             from 2000 to 2100",
        )
    }
}

/// A stretch of time, its end not included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    /// Where it begins.
    pub(crate) from: Timestamp,
    /// Where it ends.
    pub(crate) to: Timestamp,
    /// The zone in which its days are cut.
    pub(crate) zone: TimeZone,
}

/// The end does not come after the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backwards;

impl fmt::Display for Backwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be before to")
    }
}

impl Range {
    /// Both ends in milliseconds since 1970.
    pub(crate) fn ms(&self) -> (i64, i64) {
        (self.from.as_millisecond(), self.to.as_millisecond())
    }

    /// What is asked for; where nothing is said, it ends with today and is 30 days long.
    pub(crate) fn new(
        from: Option<Moment>,
        to: Option<Moment>,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<Self, Backwards> {
        let day_of = |instant: Timestamp| zone.to_datetime(instant).date();
        let last = to.unwrap_or_else(|| Moment::Day(day_of(now)));
        let last_day = match last {
            Moment::Day(day) => day,
            Moment::Instant(instant) => day_of(instant),
        };
        let first = from.unwrap_or_else(|| Moment::Day(last_day.saturating_sub((DAYS - 1).days())));
        let from = match first {
            Moment::Day(day) => start_of(day, &zone),
            Moment::Instant(instant) => instant,
        };
        let to = match last {
            Moment::Day(day) => start_of(day.saturating_add(1.day()), &zone),
            Moment::Instant(instant) => instant,
        };
        if from < to {
            Ok(Self { from, to, zone })
        } else {
            Err(Backwards)
        }
    }

    /// An instant as it is written in the range's zone, with its offset.
    pub(crate) fn show(&self, instant: Timestamp) -> String {
        let offset = self.zone.to_offset(instant);
        instant.display_with_offset(offset).to_string()
    }
}

/// The first instant of a day: midnight, or where clocks skip midnight, when they go on.
pub(crate) fn start_of(day: Date, zone: &TimeZone) -> Timestamp {
    let midnight = day.at(0, 0, 0, 0);
    zone.to_ambiguous_timestamp(midnight)
        .compatible()
        .expect("the years of a range are far from the calendar's ends")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn moment(text: &str) -> Option<Moment> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn days_are_the_workspaces_and_the_last_is_included() {
        let range = Range::new(
            moment("2026-10-25"),
            moment("2026-10-25"),
            zone("Europe/Berlin"),
            at("2026-11-21T12:00:00Z"),
        )
        .unwrap();
        assert_eq!(range.from, at("2026-10-24T22:00:00Z"));
        assert_eq!(range.to, at("2026-10-25T23:00:00Z"), "a day of 25 hours");
        assert_eq!(range.show(range.from), "2026-10-25T00:00:00+02:00");
        assert_eq!(range.show(range.to), "2026-10-26T00:00:00+01:00");
    }

    #[test]
    fn thirty_days_with_today_where_nothing_is_said() {
        // Tomorrow already where the workspace is.
        let range =
            Range::new(None, None, zone("Asia/Kolkata"), at("2026-11-20T19:00:00Z")).unwrap();
        assert_eq!(range.show(range.from), "2026-10-23T00:00:00+05:30");
        assert_eq!(range.show(range.to), "2026-11-22T00:00:00+05:30");
        let until = moment("2026-03-31");
        let range = Range::new(None, until, TimeZone::UTC, at("2026-11-20T19:00:00Z")).unwrap();
        assert_eq!(range.from, at("2026-03-02T00:00:00Z"));
    }

    #[test]
    fn instants_are_taken_as_they_are() {
        let (from, to) = (
            moment("2026-11-01T12:00:00.5+01:00"),
            moment("2026-11-01T11:00:00.501Z"),
        );
        let range = Range::new(from, to, TimeZone::UTC, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(range.to.as_millisecond() - range.from.as_millisecond(), 1);
        let refused = Range::new(to, from, TimeZone::UTC, Timestamp::UNIX_EPOCH);
        assert_eq!(refused, Err(Backwards));
        assert_eq!(
            Range::new(from, from, TimeZone::UTC, Timestamp::UNIX_EPOCH),
            Err(Backwards)
        );
    }

    #[test]
    fn a_day_begins_when_the_clocks_go_on() {
        // Clocks went from 23:59:59 to 01:00:00.
        let day = "2026-04-24".parse().unwrap();
        assert_eq!(
            start_of(day, &zone("Africa/Cairo")),
            at("2026-04-23T22:00:00Z")
        );
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "1999-12-31",
            "2101-01-01",
            "2026-11-01T12:00:00",
            "20261101",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}");
        }
    }
}
