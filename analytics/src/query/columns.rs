//! Which columns an answer has where it is wanted as a table.

use super::metric::Metric;
use super::question::Question;
use crate::answer::{Column, Kind, Shape};

/// The columns of a question's answer, in their order.
pub(super) fn of(question: &Question) -> Vec<Column> {
    let mut columns = Vec::new();
    if question.interval.is_some() {
        columns.push(Column::new("time", Shape::One(Kind::Time)));
    }
    let texts = question.dimensions.iter();
    columns.extend(texts.map(|dimension| Column::new(dimension.name, Shape::One(Kind::Text))));
    let metrics = || {
        question
            .metrics
            .iter()
            .map(|metric| (metric.name(), shape(*metric)))
    };
    columns.extend(metrics().map(|(name, shape)| Column::new(name, shape)));
    if question.compare.is_some() {
        let before = metrics().map(|(name, shape)| Column::new(format!("previous.{name}"), shape));
        columns.extend(before);
    }
    columns
}

fn shape(metric: Metric) -> Shape {
    match metric {
        Metric::Clicks
        | Metric::Visitors
        | Metric::ApproximateVisitors
        | Metric::NewVisitors
        | Metric::ReturningVisitors
        | Metric::Links
        | Metric::Leads
        | Metric::Sales
        | Metric::Conversions
        | Metric::ConvertedClicks => Shape::One(Kind::Whole),
        Metric::ConversionRate => Shape::Of(&[
            ("value", Kind::Number),
            ("low", Kind::Number),
            ("high", Kind::Number),
        ]),
        Metric::Revenue | Metric::Refunded | Metric::RevenuePerClick => Shape::Money,
        Metric::TimeToConvert => Shape::Of(&[("p50", Kind::Number), ("p90", Kind::Number)]),
    }
}
