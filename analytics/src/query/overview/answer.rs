//! What is answered: a query's answer with the series as its rows, and the breakdowns beside it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::super::answer::{Counted, Told, of_row, whole};
use super::super::dimension::Dimension;
use super::question::Overview;
use crate::reports::warehouse::{Fresh, Read};

/// Why rows may add up to more than the totals.
const EXCEEDING: &str = "a visitor of two rows is one in totals; a click counts under each of its tags and reasons, and once in totals";

/// What was counted of a range.
#[derive(Debug)]
pub(super) struct Counts {
    /// By time, and all together.
    pub(super) series: Told,
    /// By each dimension that is asked for.
    pub(super) breakdowns: Vec<Breakdown>,
    /// Which of these have their clicks out of rollups.
    pub(super) rollups: Vec<&'static str>,
    /// Whether clicks and visitors were counted in memory.
    pub(super) held: bool,
}

/// What was counted by one dimension.
#[derive(Debug)]
pub(super) struct Breakdown {
    /// By what.
    pub(super) dimension: Dimension,
    /// How many values there are.
    pub(super) groups: u64,
    /// Those with the most clicks.
    pub(super) rows: Vec<Counted>,
}

/// The whole answer.
pub(super) fn told(
    overview: &Overview,
    now: &Counts,
    before: Option<&Counts>,
    fresh: Fresh,
    read: Read,
) -> Value {
    let series = before.map(|before| &before.series);
    let mut answer = whole(&overview.series, &now.series, series, fresh, read);
    let breakdowns = now
        .breakdowns
        .iter()
        .enumerate()
        .map(|(number, breakdown)| {
            let before = before.map(|before| before.breakdowns[number].rows.as_slice());
            shown(overview, breakdown, before)
        });
    let breakdowns: Value = breakdowns.collect();
    if let Value::Object(answer) = &mut answer {
        // Of pages of rows there is nothing to say.
        for name in ["dimensions", "groups", "cursor"] {
            answer.remove(name);
        }
        answer.insert("breakdowns".to_owned(), breakdowns);
        answer.insert("rollups".to_owned(), json!(now.rollups));
        answer.insert("held".to_owned(), json!(now.held));
        answer.insert("sums_exceed_totals".to_owned(), json!(EXCEEDING));
    }
    answer
}

fn shown(overview: &Overview, breakdown: &Breakdown, before: Option<&[Counted]>) -> Value {
    let earlier: Option<HashMap<_, _>> =
        before.map(|rows| rows.iter().map(|row| (row.key_1.as_str(), row)).collect());
    let nothing = Counted::default();
    let dimension = breakdown.dimension;
    let row = |counted: &Counted| {
        let mut row = Map::new();
        let key = dimension.show(counted.key_1.clone());
        row.insert(dimension.name.to_owned(), json!(key));
        row.extend(of_row(&overview.series, counted));
        if let Some(earlier) = &earlier {
            let of = earlier.get(counted.key_1.as_str()).copied();
            let metrics = of_row(&overview.series, of.unwrap_or(&nothing));
            row.insert("previous".to_owned(), Value::Object(metrics));
        }
        Value::Object(row)
    };
    json!({
        "dimension": dimension.name,
        "groups": breakdown.groups,
        "rows": breakdown.rows.iter().map(row).collect::<Vec<_>>(),
    })
}
