//! What is answered: rows, totals, and what they mean.

use std::collections::HashMap;

use clickhouse::Row;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::metric::Metric;
use super::question::Question;
use crate::reports::definitions::Freshness;
use crate::reports::money::{Sums, amounts, less};
use crate::reports::proportion::share;
use crate::reports::range::Range;
use crate::reports::warehouse::{Fresh, Read};

/// A row of `sql/query/page.sql`.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(super) struct Counted {
    pub(super) is_total: u8,
    pub(super) bucket: i64,
    pub(super) key_1: String,
    pub(super) key_2: String,
    pub(super) key_3: String,
    pub(super) groups: u64,
    pub(super) clicks: u64,
    pub(super) visitors: u64,
    pub(super) approximate_visitors: u64,
    pub(super) new_visitors: u64,
    pub(super) links: u64,
    pub(super) leads: u64,
    pub(super) sales: u64,
    pub(super) converted_clicks: u64,
    pub(super) waits: Vec<i64>,
    pub(super) sold: Sums,
    pub(super) refunded: Sums,
}

impl Counted {
    pub(super) fn keys(&self) -> (String, String, String) {
        (self.key_1.clone(), self.key_2.clone(), self.key_3.clone())
    }

    /// A metric as JSON.
    fn metric(&self, metric: Metric) -> Value {
        match metric {
            Metric::Clicks => json!(self.clicks),
            Metric::Visitors => json!(self.visitors),
            Metric::ApproximateVisitors => json!(self.approximate_visitors),
            Metric::NewVisitors => json!(self.new_visitors),
            Metric::ReturningVisitors => json!(self.visitors - self.new_visitors),
            Metric::Links => json!(self.links),
            Metric::Leads => json!(self.leads),
            Metric::Sales => json!(self.sales),
            Metric::Conversions => json!(self.leads + self.sales),
            Metric::ConvertedClicks => json!(self.converted_clicks),
            Metric::ConversionRate => share(self.converted_clicks, self.clicks),
            Metric::Revenue => json!(amounts(self.revenue())),
            Metric::Refunded => json!(amounts(self.refunded.clone())),
            Metric::RevenuePerClick => {
                let (currencies, sums) = self.revenue();
                let each = |(currency, sum): (String, i128)| {
                    let amount = (self.clicks > 0).then(|| sum as f64 / self.clicks as f64);
                    json!({ "currency": currency, "amount_minor": amount })
                };
                currencies.into_iter().zip(sums).map(each).collect()
            }
            Metric::TimeToConvert => {
                let seconds = |ms: &i64| *ms as f64 / 1000.0;
                let has_any = self.leads + self.sales > 0;
                let quantile = |place: usize| {
                    let ms = self.waits.get(place).filter(|_| has_any);
                    json!(ms.map(seconds))
                };
                json!({ "p50": quantile(0), "p90": quantile(1) })
            }
        }
    }

    fn revenue(&self) -> Sums {
        less(self.sold.clone(), &self.refunded)
    }
}

/// What ClickHouse said for a range, cut at these instants.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) edges: Vec<Timestamp>,
    pub(super) rows: Vec<Counted>,
    pub(super) total: Counted,
}

impl Told {
    pub(super) fn new(edges: Vec<Timestamp>, rows: Vec<Counted>) -> Self {
        let (totals, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_total == 1);
        Self {
            edges,
            rows,
            total: totals.into_iter().next().unwrap_or_default(),
        }
    }

    /// The number of a row's interval.
    fn interval(&self, row: &Counted) -> usize {
        let place = self
            .edges
            .partition_point(|edge| edge.as_second() <= row.bucket);
        place.saturating_sub(1)
    }
}

/// The whole answer.
pub(super) fn whole(
    question: &Question,
    told: &Told,
    before: Option<&Told>,
    fresh: Fresh,
    read: Read,
) -> Value {
    let earlier = before.map(|before| {
        let rows = before.rows.iter();
        let place = |row: &Counted| (before.interval(row), row.keys());
        rows.map(|row| (place(row), row.clone()))
            .collect::<HashMap<_, _>>()
    });
    let nothing = Counted::default();
    let with_before = |metrics: &mut Map<String, Value>, of: Option<&Counted>| {
        if before.is_some() {
            let of = of.unwrap_or(&nothing);
            metrics.insert("previous".to_owned(), Value::Object(of_row(question, of)));
        }
    };
    let row = |counted: &Counted| {
        let mut row = Map::new();
        let place = told.interval(counted);
        if question.interval.is_some() {
            row.insert(
                "time".to_owned(),
                json!(question.range.show(told.edges[place])),
            );
        }
        let keys = [&counted.key_1, &counted.key_2, &counted.key_3];
        for (dimension, key) in question.dimensions.iter().zip(keys) {
            row.insert(
                dimension.name.to_owned(),
                json!(dimension.show(key.clone())),
            );
        }
        row.extend(of_row(question, counted));
        let earlier = earlier.as_ref();
        with_before(
            &mut row,
            earlier.and_then(|rows| rows.get(&(place, counted.keys()))),
        );
        Value::Object(row)
    };
    let rows: Vec<Value> = filled(question, told).iter().map(row).collect();
    let mut totals = of_row(question, &told.total);
    with_before(&mut totals, before.map(|before| &before.total));
    let definitions: Map<String, Value> = question
        .metrics
        .iter()
        .map(|metric| (metric.name().to_owned(), json!(metric.definition())))
        .collect();
    let denominators: Map<String, Value> = question
        .metrics
        .iter()
        .filter_map(|metric| Some((metric.name().to_owned(), json!(metric.denominator()?))))
        .collect();
    let approximate: Map<String, Value> = question
        .metrics
        .iter()
        .filter_map(|metric| Some((metric.name().to_owned(), metric.error()?)))
        .collect();
    let shown = question.skipped + told.rows.len() as u64;
    let more = shown < told.total.groups && !told.rows.is_empty();
    let names: Vec<_> = question
        .dimensions
        .iter()
        .map(|dimension| dimension.name)
        .collect();
    json!({
        "metrics": question.metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>(),
        "dimensions": names,
        "definition": definitions,
        "denominator": denominators,
        "time_zone": question.time_zone,
        "range": stretch(&question.range, question),
        "previous_range": question.compare.as_ref().map(|(_, range)| stretch(range, question)),
        "interval": question.interval.map(|interval| interval.name()),
        "traffic": question.traffic.name(),
        "exact": approximate.is_empty(),
        "approximate": approximate,
        "rows": rows,
        "totals": totals,
        "groups": told.total.groups,
        "cursor": more.then(|| shown.to_string()),
        "sums_exceed_totals": exceeding(question),
        "freshness": Freshness::of(&question.range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })
}

fn stretch(range: &Range, question: &Question) -> Value {
    json!({ "from": question.range.show(range.from), "to": question.range.show(range.to) })
}

pub(super) fn of_row(question: &Question, row: &Counted) -> Map<String, Value> {
    let metrics = question.metrics.iter();
    metrics
        .map(|metric| (metric.name().to_owned(), row.metric(*metric)))
        .collect()
}

/// The rows; where only time tells them apart, those too in which nothing happened.
fn filled(question: &Question, told: &Told) -> Vec<Counted> {
    if question.interval.is_none() || !question.dimensions.is_empty() {
        return told.rows.clone();
    }
    let is_by_time = matches!(question.order[..], [by] if by.what == super::order::What::Time);
    if !is_by_time || question.skipped > 0 {
        return told.rows.clone();
    }
    let mut by_bucket: HashMap<i64, Counted> = told
        .rows
        .iter()
        .map(|row| (row.bucket, row.clone()))
        .collect();
    let each = |edge: &Timestamp| {
        let bucket = edge.as_second();
        by_bucket.remove(&bucket).unwrap_or(Counted {
            bucket,
            ..Counted::default()
        })
    };
    let mut rows: Vec<Counted> = told.edges.iter().map(each).collect();
    if question.order[0].descending {
        rows.reverse();
    }
    rows.truncate(question.limit as usize);
    rows
}

/// Why rows may add up to more than the totals; none where they cannot.
pub(super) fn exceeding(question: &Question) -> Option<&'static str> {
    let several = question
        .dimensions
        .iter()
        .any(|dimension| dimension.list().is_some());
    let distinct = question.metrics.iter().any(|metric| {
        matches!(
            metric,
            Metric::Visitors
                | Metric::ApproximateVisitors
                | Metric::NewVisitors
                | Metric::ReturningVisitors
                | Metric::Links
        )
    });
    let split = question.interval.is_some() || !question.dimensions.is_empty();
    match (several, distinct && split) {
        (true, _) => Some("a click counts under each of its values, and once in totals"),
        (false, true) => Some("a visitor or link of two rows is one in totals"),
        (false, false) => None,
    }
}
