//! Which time is meant, and with which other it is compared.

use std::str::FromStr;

use axum::http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use utoipa::IntoParams;
use whence_core::problem::Problem;

use crate::fields::{Body, text};
use crate::problems::field;
use crate::reports::range::{Moment, Range, start_of};

/// A stretch of days that is told by name, by the workspace's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Today,
    Yesterday,
    /// So many days, today included.
    Days(i32),
    /// From Monday on.
    ThisWeek,
    LastWeek,
    ThisMonth,
    LastMonth,
    ThisYear,
    LastYear,
}

const PERIODS: [(&str, Period); 12] = [
    ("today", Period::Today),
    ("yesterday", Period::Yesterday),
    ("last_7_days", Period::Days(7)),
    ("last_28_days", Period::Days(28)),
    ("last_30_days", Period::Days(30)),
    ("last_90_days", Period::Days(90)),
    ("this_week", Period::ThisWeek),
    ("last_week", Period::LastWeek),
    ("this_month", Period::ThisMonth),
    ("last_month", Period::LastMonth),
    ("this_year", Period::ThisYear),
    ("last_year", Period::LastYear),
];

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = PERIODS.iter().find(|(name, _)| *name == text);
        found.map(|(_, period)| *period).ok_or_else(|| {
            let names = PERIODS.map(|(name, _)| name).join(", ");
            format!("must be one of {names}")
        })
    }
}

impl Period {
    /// The stretch of time that it is `now`.
    fn range(self, zone: TimeZone, now: Timestamp) -> Range {
        let today = zone.to_datetime(now).date();
        let monday =
            today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
        let year = |date: Date| Date::constant(date.year(), 1, 1);
        let (first, behind) = match self {
            Self::Today => (today, today.saturating_add(1.day())),
            Self::Yesterday => (today.saturating_sub(1.day()), today),
            Self::Days(days) => (
                today.saturating_sub((days - 1).days()),
                today.saturating_add(1.day()),
            ),
            Self::ThisWeek => (monday, monday.saturating_add(1.week())),
            Self::LastWeek => (monday.saturating_sub(1.week()), monday),
            Self::ThisMonth => {
                let first = today.first_of_month();
                (first, first.saturating_add(1.month()))
            }
            Self::LastMonth => {
                let first = today.first_of_month();
                (first.saturating_sub(1.month()), first)
            }
            Self::ThisYear => (year(today), year(today).saturating_add(1.year())),
            Self::LastYear => (year(today).saturating_sub(1.year()), year(today)),
        };
        Range {
            from: start_of(first, &zone),
            to: start_of(behind, &zone),
            zone,
        }
    }
}

/// Which time is meant, as a body says it.
#[derive(Debug)]
pub(crate) struct When {
    from: Option<Moment>,
    to: Option<Moment>,
    period: Option<Period>,
}

/// The same as parameters of an address.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what is read from a body")]
pub(crate) struct WhenParameters {
    /// `last_30_days` and the like; or `from` and `to`
    period: Option<String>,
    /// A day or an instant
    from: Option<String>,
    /// A day, included, or an instant, not included
    to: Option<String>,
}

impl When {
    /// Takes `from`, `to` and `period` out of a body.
    pub(crate) fn read(body: &mut Body) -> Self {
        let when = Self {
            from: body.read("from", text),
            to: body.read("to", text),
            period: body.read("period", text),
        };
        if when.period.is_some() && (when.from.is_some() || when.to.is_some()) {
            body.wrong("period", "excludes from and to");
        }
        when
    }

    /// The stretch of time that it is now.
    pub(crate) fn range(self, zone: TimeZone) -> Result<Range, Problem> {
        let now = Timestamp::now();
        match self.period {
            Some(period) => Ok(period.range(zone, now)),
            None => Range::new(self.from, self.to, zone, now)
                .map_err(|backwards| field(StatusCode::UNPROCESSABLE_ENTITY, "from", backwards)),
        }
    }
}

/// With which other time a range is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    /// As long a time right before it: as many days where it is of whole days, else as many milliseconds.
    Previous,
    /// The same days and times of the year before.
    Year,
}

impl FromStr for Compare {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "previous_period" => Ok(Self::Previous),
            "previous_year" => Ok(Self::Year),
            _ => Err("must be previous_period or previous_year"),
        }
    }
}

impl Compare {
    /// The other time.
    pub(crate) fn range(self, range: &Range) -> Range {
        let local = |at: Timestamp| at.to_zoned(range.zone.clone());
        let (from, to) = match self {
            Self::Previous => {
                let (first, behind) = (local(range.from), local(range.to));
                let midnight = |at: &Zoned| start_of(at.date(), &range.zone) == at.timestamp();
                if midnight(&first) && midnight(&behind) {
                    let days = behind.date().duration_since(first.date()).as_hours() / 24;
                    let first = first.date().saturating_sub(days.days());
                    (start_of(first, &range.zone), range.from)
                } else {
                    let length = range.from.duration_until(range.to);
                    (
                        range.from.saturating_sub(length).unwrap_or(range.from),
                        range.from,
                    )
                }
            }
            Self::Year => {
                let before = |at: Timestamp| {
                    let at = local(at);
                    at.saturating_sub(1.year()).timestamp()
                };
                (before(range.from), before(range.to))
            }
        };
        Range {
            from,
            to,
            zone: range.zone.clone(),
        }
    }
}

/// A workspace's clock over a range: from which second on it is how many seconds ahead of UTC.
pub(crate) fn clock(range: &Range) -> (Vec<i64>, Vec<i32>) {
    let mut shifts = vec![i64::MIN];
    let mut offsets = vec![range.zone.to_offset(range.from).seconds()];
    for moved in range.zone.following(range.from) {
        if moved.timestamp() >= range.to {
            break;
        }
        shifts.push(moved.timestamp().as_second());
        offsets.push(moved.offset().seconds());
    }
    (shifts, offsets)
}
