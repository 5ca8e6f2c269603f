//! What is answered: for each step how many took it, and what that means.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::matching::Order;
use super::question::Question;
use super::tally::{Group, Taken, Tally};
use crate::reports::definitions::{CLICK, Freshness};
use crate::reports::money::amounts;
use crate::reports::proportion::share;
use crate::reports::span::Span;
use crate::reports::warehouse::{Fresh, Read};

/// What words mean in every funnel.
const DEFINITIONS: [(&str, &str); 6] = [
    CLICK,
    (
        "people",
        "A person is the customer where one is known, else the visitor, else the click alone. Each enters at most once, and is \
         counted by when and by what that was.",
    ),
    (
        "open",
        "People who have taken the step before and not this one, but whose time for it was not over when this was asked.",
    ),
    (
        "time",
        "Seconds from the last step (time_from_last) and from the entry (time_from_first) of those who took the step: the smallest that \
         a half (p50), and nine tenths (p90), are not above.",
    ),
    (
        "revenue",
        "What the sales that served the step were worth, less what was given back of them, whenever; in minor units.",
    ),
    (
        "ties",
        "In the same millisecond a click comes before a page event, that before a lead, that before a sale; else by id.",
    ),
];

const IN_ORDER: &str = "People enter with their first event of the range that can serve step 1, and have taken as many steps as \
    events of theirs can serve one after the other: each later than the one before, at most `window` after the entry, at most the \
    step's `within` after the step before, and with nothing between two steps that is excluded there. One event serves one step.";

const STRICT: &str = " Between two steps there is nothing that any step asks for, but for what can serve the earlier of the two \
    again.";

const IN_ANY: &str = "People enter with their first event of the range that can serve any step. Step k is taken by who has \
    taken k different steps, in whatever order, by k different events at most `window` after the entry.";

/// The whole answer, when it was asked at this time.
pub(super) fn whole(
    question: &Question,
    tally: &Tally,
    edges: &[Timestamp],
    asked: Timestamp,
    fresh: Fresh,
    read: Read,
) -> Value {
    let range = &question.range;
    let (groups, count) = groups(question, tally, edges);
    let rows: Vec<Value> = groups
        .iter()
        .flat_map(|(group, taken)| rows(question, taken, group.as_ref()))
        .collect();
    let mut definition: Map<String, Value> = DEFINITIONS
        .iter()
        .map(|(name, meaning)| ((*name).to_owned(), json!(meaning)))
        .collect();
    let steps = match question.order {
        Order::Ordered => IN_ORDER.to_owned(),
        Order::Strict => format!("{IN_ORDER}{STRICT}"),
        Order::Any => IN_ANY.to_owned(),
    };
    definition.insert("steps".to_owned(), json!(steps));
    let several = question.by.is_some_and(|by| by.list().is_some());
    json!({
        "rows": rows,
        "totals": self::rows(question, &tally.totals, None),
        "groups": count,
        "sums_exceed_totals": several.then_some("who entered by a click of several values counts under each, and once in totals"),
        "order": question.order.name(),
        "window": question.window.to_string(),
        "by": question.by.map(|by| by.name),
        "interval": question.interval.map(|interval| interval.name()),
        "as_of": range.show(asked),
        "definition": definition,
        "denominator": {
            "rate_from_last": "people who took the step before, open ones too",
            "rate_from_first": "people who entered, open ones too",
        },
        "traffic": if question.all_traffic { "all" } else { "human" },
        "time_zone": question.time_zone,
        "range": { "from": range.show(range.from), "to": range.show(range.to) },
        "exact": true,
        "freshness": Freshness::of(range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })
}

/// When and by what a group entered, as far as that is asked.
type Key = (Option<String>, Option<String>);

/// People who entered alike, where that is asked, and the steps that they took.
type Alike = (Option<Key>, Vec<Taken>);

/// The groups that are told, in their order, and how many there are.
fn groups(question: &Question, tally: &Tally, edges: &[Timestamp]) -> (Vec<Alike>, usize) {
    if question.by.is_none() && question.interval.is_none() {
        return (vec![(None, tally.totals.clone())], 1);
    }
    let mut by_value: HashMap<&str, u64> = HashMap::new();
    for ((_, value), taken) in &tally.groups {
        *by_value.entry(value).or_default() += taken[0].people;
    }
    let mut values: Vec<(&str, u64)> = by_value.into_iter().collect();
    values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let count = match question.by {
        Some(_) => values.len(),
        None => edges.len(),
    };
    let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
    values.truncate(limit);
    if question.by.is_none() {
        // Intervals in which nobody entered are told too.
        values = vec![("", 0)];
    }
    let nobody = vec![Taken::default(); question.steps.len()];
    let mut groups = Vec::new();
    for edge in edges {
        for (value, _) in &values {
            let group: Group = (edge.as_second(), (*value).to_owned());
            let found = tally.groups.get(&group);
            if found.is_none() && question.by.is_some() {
                continue;
            }
            let time = question.interval.map(|_| question.range.show(*edge));
            let value = question.by.map(|by| by.show((*value).to_owned()));
            groups.push((Some((time, value)), found.unwrap_or(&nobody).clone()));
        }
    }
    (groups, count)
}

/// A row for each step.
fn rows(question: &Question, taken: &[Taken], group: Option<&Key>) -> Vec<Value> {
    let one = |(number, step): (usize, &Taken)| {
        let mut row = Map::new();
        if let Some((time, value)) = group {
            if let Some(time) = time {
                row.insert("time".to_owned(), json!(time));
            }
            if let (Some(by), Some(value)) = (question.by, value) {
                row.insert(by.name.to_owned(), json!(value));
            }
        }
        let asked = &question.steps[number];
        let is_named = question.order != Order::Any;
        let rates = number.checked_sub(1).map(|before| {
            (
                share(step.people, taken[before].people),
                share(step.people, taken[0].people),
            )
        });
        let (from_last, from_first) = rates.unwrap_or((Value::Null, Value::Null));
        let revenue = step.revenue.clone().into_iter().unzip();
        let more = json!({
            "step": number + 1,
            "event": is_named.then(|| asked.condition.kind.name()),
            "name": asked.condition.name.as_ref().filter(|_| is_named),
            "within": asked.within.map(|span: Span| span.to_string()),
            "people": step.people,
            "rate_from_last": from_last,
            "rate_from_first": from_first,
            "open": step.open,
            "time_from_last": waits(&step.waits[0]),
            "time_from_first": waits(&step.waits[1]),
            "revenue": amounts(revenue),
        });
        if let Value::Object(more) = more {
            row.extend(more);
        }
        Value::Object(row)
    };
    taken.iter().enumerate().map(one).collect()
}

fn waits(waits: &[i64]) -> Value {
    let seconds = |percent| Taken::quantile(waits, percent).map(|ms| ms as f64 / 1000.0);
    json!({ "p50": seconds(50), "p90": seconds(90) })
}
