//! Reads what is asked.

use serde_json::Value;
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::dimension::Dimension;
use super::filter::{self, Filter};
use super::metric::Metric;
use super::order::{By, What};
use super::period::{Compare, When};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, text};
use crate::reports::interval::Interval;
use crate::reports::question::zone_of;
use crate::reports::range::Range;
use crate::reports::span::Span;
use crate::workspace;

/// Dimensions at a time.
const MOST_DIMENSIONS: usize = 3;
/// Rows of one answer.
const MOST_ROWS: u64 = 10_000;
/// Rows where nothing is said.
const ROWS: u64 = 100;

/// Whose clicks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Those judged human.
    Human,
    /// Every redirected click.
    All,
    /// Human clicks before which the same visitor did not click the same link for so long.
    Unique(Span),
}

impl Traffic {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "must be human, all, or unique with a window, such as unique:30m or unique:1d, up to 30d";
        match text.split_once(':') {
            None if text == "human" => Ok(Self::Human),
            None if text == "all" => Ok(Self::All),
            Some(("unique", window)) => {
                let window: Span = window.parse().map_err(|_| wrong)?;
                match window <= Span::days(30) {
                    true => Ok(Self::Unique(window)),
                    false => Err(wrong),
                }
            }
            _ => Err(wrong),
        }
    }

    /// How far before the range clicks are read.
    pub(super) fn look_back_ms(self) -> i64 {
        match self {
            Self::Unique(window) => window.as_ms(),
            Self::Human | Self::All => 0,
        }
    }

    /// The name by which it is asked for.
    pub(super) fn name(self) -> String {
        match self {
            Self::Human => "human".into(),
            Self::All => "all".into(),
            Self::Unique(window) => format!("unique:{window}"),
        }
    }
}

/// Which clicks are meant, and how they are cut by time, as a body says it.
#[derive(Debug)]
pub(super) struct Clicks {
    pub(super) filter: Option<Filter>,
    pub(super) when: When,
    pub(super) compare: Option<Compare>,
    pub(super) interval: Option<Interval>,
    pub(super) traffic: Traffic,
}

impl Clicks {
    /// Takes its fields out of a body.
    pub(super) fn read(body: &mut Body) -> Self {
        let traffic = |value| match value {
            Value::String(text) => Traffic::parse(&text).map_err(str::to_owned),
            _ => Err("must be a text".to_owned()),
        };
        Self {
            filter: filter::of_body(body),
            when: When::read(body),
            compare: body.read("compare", text::<Compare>),
            interval: body.read("interval", text::<Interval>),
            traffic: body.read("traffic", traffic).unwrap_or(Traffic::Human),
        }
    }
}

/// A question that can be put to ClickHouse.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) workspace: WorkspaceId,
    pub(super) time_zone: String,
    pub(super) range: Range,
    pub(super) compare: Option<(Compare, Range)>,
    pub(super) interval: Option<Interval>,
    pub(super) metrics: Vec<Metric>,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) filter: Option<Filter>,
    pub(super) traffic: Traffic,
    pub(super) order: Vec<By>,
    pub(super) currency: Option<String>,
    pub(super) limit: u64,
    pub(super) skipped: u64,
}

impl Question {
    /// Whether conversions must be read.
    pub(super) fn needs_conversions(&self) -> bool {
        self.needed().any(Metric::needs_conversions)
    }

    /// Whether a metric is needed, to be told or to order by.
    pub(super) fn asks(&self, metric: Metric) -> bool {
        self.needed().any(|needed| needed == metric)
    }

    fn needed(&self) -> impl Iterator<Item = Metric> {
        let ordered = self.order.iter().filter_map(|by| match by.what {
            What::Metric(metric) => Some(metric),
            What::Time | What::Dimension(_) => None,
        });
        self.metrics.iter().copied().chain(ordered)
    }

    /// Reads a question of the caller's workspace.
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let metrics = body.read("metrics", |value| names(value, Metric::ALL.len()));
        let metrics = metrics.unwrap_or_else(|| vec![Metric::Clicks, Metric::Visitors]);
        let dimensions = body.read("dimensions", |value| names(value, MOST_DIMENSIONS));
        let dimensions: Vec<Dimension> = dimensions.unwrap_or_default();
        let Clicks {
            filter,
            when,
            compare,
            interval,
            traffic,
        } = Clicks::read(&mut body);
        let currency = body.read("currency", currency);
        let order = body.read("order", |value| {
            order(value, &dimensions, interval.is_some(), currency.is_some())
        });
        let limit = body.read("limit", |value| match value.as_u64() {
            Some(limit) if (1..=MOST_ROWS).contains(&limit) => Ok(limit),
            _ => Err(format!("must be a number from 1 to {MOST_ROWS}")),
        });
        let skipped = body.read("cursor", cursor);
        body.finish()?;

        let workspace = workspace::find(api, id).await?;
        let range = when.range(zone_of(&workspace)?)?;
        let by_itself = |what| By {
            what,
            descending: !matches!(what, What::Time),
        };
        let order = order.unwrap_or_else(|| match (interval, metrics.first()) {
            (Some(_), _) => vec![by_itself(What::Time)],
            (None, Some(first)) if What::Metric(*first).is_possible() => {
                vec![by_itself(What::Metric(*first))]
            }
            _ => Vec::new(),
        });
        Ok(Self {
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            compare: compare.map(|compare| (compare, compare.range(&range))),
            range,
            interval,
            metrics,
            dimensions,
            filter,
            traffic,
            order,
            currency,
            limit: limit.unwrap_or(match interval {
                Some(_) => MOST_ROWS,
                None => ROWS,
            }),
            skipped: skipped.unwrap_or(0),
        })
    }
}

/// A list of different names.
pub(super) fn names<T>(value: Value, most: usize) -> Result<Vec<T>, String>
where
    T: std::str::FromStr<Err = String> + PartialEq,
{
    let Value::Array(values) = value else {
        return Err("must be a list of texts".to_owned());
    };
    if values.len() > most {
        return Err(format!("must have at most {most}"));
    }
    let mut found = Vec::new();
    for value in values {
        let one: T = text(value)?;
        if found.contains(&one) {
            return Err("must not name one twice".to_owned());
        }
        found.push(one);
    }
    Ok(found)
}

fn currency(value: Value) -> Result<String, String> {
    match value {
        Value::String(code) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
            Ok(code)
        }
        _ => Err("must be a code of ISO 4217, such as EUR".to_owned()),
    }
}

/// Where the page begins: how many rows come before it.
fn cursor(value: Value) -> Result<u64, String> {
    let told = || "is no cursor of a query".to_owned();
    let Value::String(text) = value else {
        return Err(told());
    };
    let skipped: u64 = text.parse().map_err(|_| told())?;
    if skipped > 1_000_000 {
        return Err(told());
    }
    Ok(skipped)
}

/// `["-clicks", "channel"]`.
fn order(
    value: Value,
    dimensions: &[Dimension],
    has_time: bool,
    has_currency: bool,
) -> Result<Vec<By>, String> {
    let Value::Array(values) = value else {
        return Err("must be a list of texts, such as [\"-clicks\", \"channel\"]".to_owned());
    };
    if values.len() > 5 {
        return Err("must have at most 5".to_owned());
    }
    let one = |value: Value| {
        let Value::String(text) = value else {
            return Err("must be a list of texts".to_owned());
        };
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        };
        let dimension = dimensions
            .iter()
            .position(|dimension| dimension.name == name);
        let what = match dimension {
            Some(number) => What::Dimension(number),
            None if name == "time" && has_time => What::Time,
            None => {
                let metric = name.parse().map_err(|_| {
                    format!(
                        "{name:?} must be a dimension that is asked for, a metric{}",
                        if has_time { ", or time" } else { "" }
                    )
                })?;
                What::Metric(metric)
            }
        };
        if !what.is_possible() {
            return Err(format!("{name} is nothing to order by"));
        }
        if what == What::Metric(Metric::Revenue) && !has_currency {
            return Err("revenue needs a currency to be ordered by".to_owned());
        }
        Ok(By { what, descending })
    };
    values.into_iter().map(one).collect()
}
