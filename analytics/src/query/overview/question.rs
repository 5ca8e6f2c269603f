//! Reads what is asked.

use jiff::ToSpan;
use serde_json::Value;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::super::dimension::Dimension;
use super::super::metric::Metric;
use super::super::order::{By, What};
use super::super::question::{Clicks, Question, names};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Body;
use crate::reports::interval::Interval;
use crate::reports::question::zone_of;
use crate::workspace;

/// What is counted.
const METRICS: [Metric; 7] = [
    Metric::Clicks,
    Metric::Visitors,
    Metric::Leads,
    Metric::Sales,
    Metric::ConvertedClicks,
    Metric::ConversionRate,
    Metric::Revenue,
];
/// By what, where nothing is said.
const BREAKDOWNS: [&str; 6] = ["channel", "source", "link", "country", "device", "browser"];
/// Breakdowns at a time: as many as a page can show.
const MOST_BREAKDOWNS: usize = 12;
/// Rows of each breakdown: a visitor's are noted as the bits of a number.
pub(super) const MOST_ROWS: u64 = 50;
/// Rows where nothing is said.
const ROWS: u64 = 10;
/// Intervals of the series: as many as a range can be cut into.
const MOST_INTERVALS: u64 = 10_000;

/// What an overview is asked.
#[derive(Debug)]
pub(super) struct Overview {
    /// The question whose answer are the series and the totals.
    pub(super) series: Question,
    /// By what else.
    pub(super) breakdowns: Vec<Dimension>,
    /// How many rows each of them has.
    pub(super) limit: u64,
    /// Whether clicks may be counted out of rollups, or in memory.
    pub(super) rollups: bool,
}

impl Overview {
    /// Reads a question of the caller's workspace.
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let clicks = Clicks::read(&mut body);
        let breakdowns = body.read("breakdowns", |value| names(value, MOST_BREAKDOWNS));
        let limit = body.read("limit", |value: Value| match value.as_u64() {
            Some(limit) if (1..=MOST_ROWS).contains(&limit) => Ok(limit),
            _ => Err(format!("must be a number from 1 to {MOST_ROWS}")),
        });
        let rollups = body.read("rollups", |value: Value| {
            value
                .as_bool()
                .ok_or_else(|| "must be true or false".to_owned())
        });
        body.finish()?;

        let workspace = workspace::find(api, id).await?;
        let range = clicks.when.range(zone_of(&workspace)?)?;
        // Of two days hours are shown, of more days.
        let is_short = range.from.saturating_add(49.hours()).unwrap_or(range.to) >= range.to;
        let by_itself = if is_short {
            Interval::Hour
        } else {
            Interval::Day
        };
        let known = || BREAKDOWNS.map(|name| name.parse().expect("a dimension"));
        Ok(Self {
            series: Question {
                workspace: workspace.id,
                time_zone: workspace.time_zone,
                compare: clicks
                    .compare
                    .map(|compare| (compare, compare.range(&range))),
                range,
                interval: Some(clicks.interval.unwrap_or(by_itself)),
                metrics: METRICS.to_vec(),
                dimensions: Vec::new(),
                filter: clicks.filter,
                traffic: clicks.traffic,
                order: vec![By {
                    what: What::Time,
                    descending: false,
                }],
                currency: None,
                limit: MOST_INTERVALS,
                skipped: 0,
            },
            breakdowns: breakdowns.unwrap_or_else(|| known().to_vec()),
            limit: limit.unwrap_or(ROWS),
            rollups: rollups.unwrap_or(true),
        })
    }

    /// The question whose answer one breakdown is.
    pub(super) fn by(&self, dimension: Dimension) -> Question {
        Question {
            interval: None,
            dimensions: vec![dimension],
            order: vec![By {
                what: What::Metric(Metric::Clicks),
                descending: true,
            }],
            limit: self.limit,
            ..self.series.clone()
        }
    }
}
