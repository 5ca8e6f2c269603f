//! Rows of `sql/cohorts/lives.sql` put together: cohorts with their periods, and the curve of all together.

use std::collections::BTreeMap;

use clickhouse::Row;
use jiff::Timestamp;
use serde::Deserialize;

use super::cut::Cut;

/// A row of `sql/cohorts/lives.sql`.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Told {
    cohort: i64,
    value: String,
    what: u8,
    bucket: i64,
    currency: String,
    often: u64,
    net: i128,
    #[expect(dead_code, reason = "by which places are given")]
    size: u64,
    place: u64,
    pub(super) groups: u64,
}

/// Who came, and who was active.
const CAME: u8 = 0;
const ACTIVE: u8 = 1;

/// What people did in a period, and up to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) active: u64,
    pub(super) conversions: u64,
    pub(super) revenue: BTreeMap<String, i128>,
    /// What they brought since they came.
    pub(super) lifetime: BTreeMap<String, i128>,
    /// Whether the period is not over.
    pub(super) is_open: bool,
}

/// People who came in one interval, by one value.
#[derive(Clone, Debug, Default)]
pub(super) struct Cohort {
    pub(super) people: u64,
    /// From the interval in which they came on; those that have begun.
    pub(super) periods: Vec<Period>,
}

/// Cohorts by the place of their value, the value, and the number of their interval.
pub(super) type Cohorts = BTreeMap<(u64, String, usize), Cohort>;

/// What ClickHouse said, as it is at `now`.
pub(super) fn cohorts(told: Vec<Told>, cut: &Cut, periods: usize, now: Timestamp) -> Cohorts {
    let mut cohorts = Cohorts::new();
    for row in told {
        let (Some(cohort), Some(bucket)) = (cut.number(row.cohort), cut.number(row.bucket)) else {
            continue;
        };
        let of = cohorts.entry((row.place, row.value, cohort)).or_default();
        if of.periods.is_empty() {
            of.periods = empty(cohort, cut, periods, now);
        }
        let period = of.periods.get_mut(bucket.saturating_sub(cohort));
        match (row.what, period) {
            (CAME, _) => of.people = row.often,
            (_, None) => {}
            (ACTIVE, Some(period)) => period.active = row.often,
            (_, Some(period)) => {
                period.conversions += row.often;
                // A lead brings nothing, in whatever currency it was told.
                if !row.currency.is_empty() && row.net != 0 {
                    *period.revenue.entry(row.currency).or_default() += row.net;
                }
            }
        }
    }
    for cohort in cohorts.values_mut() {
        let mut lifetime: BTreeMap<String, i128> = BTreeMap::new();
        for period in &mut cohort.periods {
            for (currency, net) in &period.revenue {
                *lifetime.entry(currency.clone()).or_default() += net;
            }
            period.lifetime.clone_from(&lifetime);
        }
    }
    cohorts
}

/// The periods of a cohort that have begun.
fn empty(cohort: usize, cut: &Cut, periods: usize, now: Timestamp) -> Vec<Period> {
    let begun = (cohort..=cohort + periods).take_while(|period| cut.start(*period) < now);
    let period = |number: usize| Period {
        is_open: cut.start(number + 1) > now,
        ..Period::default()
    };
    begun.map(period).collect()
}

/// One point of a curve: a period of all cohorts for which it is over.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub(super) cohorts: u64,
    pub(super) people: u64,
    pub(super) period: Period,
}

/// The curve of each value, by its place, the value and the period's number.
pub(super) fn curve(cohorts: &Cohorts) -> BTreeMap<(u64, String, usize), Point> {
    let mut curve: BTreeMap<(u64, String, usize), Point> = BTreeMap::new();
    for ((place, value, _), cohort) in cohorts {
        let over = cohort.periods.iter().enumerate();
        for (number, period) in over.filter(|(_, period)| !period.is_open) {
            let point = curve.entry((*place, value.clone(), number)).or_default();
            point.cohorts += 1;
            point.people += cohort.people;
            point.period.active += period.active;
            point.period.conversions += period.conversions;
            for (sums, more) in [
                (&mut point.period.revenue, &period.revenue),
                (&mut point.period.lifetime, &period.lifetime),
            ] {
                for (currency, net) in more {
                    *sums.entry(currency.clone()).or_default() += net;
                }
            }
        }
    }
    curve
}
