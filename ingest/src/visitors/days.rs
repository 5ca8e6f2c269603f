//! When a day begins and ends in a time zone, on the days when clocks change too.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The days of a time zone.
pub(super) struct Days(TimeZone);

impl Days {
    /// Of the IANA zone of this name; of UTC where this machine knows no such zone.
    pub(super) fn of(zone: &str) -> Self {
        Self(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }

    /// The day that a moment lies in, all in milliseconds since 1970; none for moments that no calendar reaches.
    pub(super) fn around(&self, time: i64) -> Option<Range<i64>> {
        let moment = Timestamp::from_millisecond(time).ok()?;
        let moment = moment.to_zoned(self.0.clone());
        let begins = moment.start_of_day().ok()?;
        let ends = moment.tomorrow().ok()?.start_of_day().ok()?;
        let [begins, ends] = [begins, ends].map(|edge| edge.timestamp().as_millisecond());
        (begins..ends).contains(&time).then_some(begins..ends)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn days_begin_at_the_zones_midnight() {
        for (zone, moment, begins, hours) in [
            (
                "UTC",
                "2026-11-22T23:59:59.999Z",
                "2026-11-22T00:00:00Z",
                24,
            ),
            (
                "Europe/Berlin",
                "2026-11-22T22:59:59.999Z",
                "2026-11-21T23:00:00Z",
                24,
            ),
            (
                "Europe/Berlin",
                "2026-11-22T23:00:00Z",
                "2026-11-22T23:00:00Z",
                24,
            ),
            // Clocks go forward, and back.
            (
                "Europe/Berlin",
                "2026-03-29T12:00:00Z",
                "2026-03-28T23:00:00Z",
                23,
            ),
            (
                "Europe/Berlin",
                "2026-10-25T12:00:00Z",
                "2026-10-24T22:00:00Z",
                25,
            ),
            // They go forward at midnight, so that the day begins at one.
            (
                "Africa/Cairo",
                "2026-04-24T12:00:00Z",
                "2026-04-23T22:00:00Z",
                23,
            ),
            // They go back to midnight, so that there are two; the day begins at the first.
            (
                "Atlantic/Azores",
                "2026-10-25T12:00:00Z",
                "2026-10-25T00:00:00Z",
                25,
            ),
            (
                "Asia/Kathmandu",
                "2026-11-22T18:15:00Z",
                "2026-11-22T18:15:00Z",
                24,
            ),
            (
                "Pacific/Kiritimati",
                "2026-11-22T09:59:59Z",
                "2026-11-21T10:00:00Z",
                24,
            ),
            // Half an hour is what Lord Howe changes clocks by.
            (
                "Australia/Lord_Howe",
                "2026-10-03T20:00:00Z",
                "2026-10-03T13:30:00Z",
                23,
            ),
            (
                "Mars/Olympus",
                "2026-11-22T12:00:00Z",
                "2026-11-22T00:00:00Z",
                24,
            ),
        ] {
            let day = Days::of(zone).around(ms(moment)).unwrap();
            assert_eq!(day.start, ms(begins), "{zone} {moment}");
            assert_eq!((day.end - day.start) / 3_600_000, hours, "{zone} {moment}");
        }
    }

    proptest! {
        /// Each moment lies in one day: where one ends the next begins.
        #[test]
        fn days_follow_each_other(
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Africa/Cairo", "America/New_York", "Atlantic/Azores",
                "Australia/Lord_Howe", "Asia/Gaza", "America/Santiago"]),
            time in 1_500_000_000_000_i64..2_000_000_000_000,
        ) {
            let days = Days::of(zone);
            let day = days.around(time).unwrap();
            prop_assert!(day.contains(&time));
            prop_assert_eq!(days.around(day.start), Some(day.clone()));
            prop_assert_eq!(days.around(day.end - 1), Some(day.clone()));
            let next = days.around(day.end).unwrap();
            prop_assert_eq!(next.start, day.end);
            prop_assert!((20..=28).contains(&((day.end - day.start) / 3_600_000)));
        }

        #[test]
        fn no_moment_panics(time: i64) {
            let _ = Days::of("America/New_York").around(time);
        }
    }
}
