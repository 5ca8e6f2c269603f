//! What is answered: paths, lengths, steps, and what they mean.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};

use super::question::Question;
use super::ways::{End, Outcome, Ways};
use crate::attribution::question::Label;
use crate::reports::definitions::Freshness;
use crate::reports::money::amounts;
use crate::reports::proportion::share;
use crate::reports::warehouse::{Fresh, Read};

/// Steps of each kind in one answer: what is rarer is told by no chart.
const MOST_STEPS: usize = 1_000;

/// The whole answer.
pub(super) fn whole(question: &Question, ways: &Ways, fresh: Fresh, read: Read) -> Value {
    let touching = &question.touching;
    let (by, range) = (touching.by, &touching.range);
    let (rows, groups) = rows(question, ways);
    let lengths = ways.lengths().into_iter().map(|(touches, outcome)| {
        let mut row = Map::new();
        row.insert("touches".to_owned(), json!(touches));
        row.extend(told(outcome));
        Value::Object(row)
    });
    let (transitions, transition_groups) = transitions(ways, by);
    let (flow, flow_groups) = flow(ways, question.steps as usize, by);
    let without = told(ways.without.clone());
    json!({
        "by": by.names().0,
        "collapse": question.collapse,
        "order": if question.by_people { "people" } else { "conversions" },
        "rows": rows,
        "groups": groups,
        "totals": told(ways.totals()),
        "without_touch": {
            "people": without["people"],
            "conversions": without["conversions"],
            "revenue": without["revenue"],
        },
        "lengths": lengths.collect::<Vec<_>>(),
        "transitions": transitions,
        "transition_groups": transition_groups,
        "flow": flow,
        "flow_groups": flow_groups,
        "steps": question.steps,
        "definition": definition(),
        "denominator": {
            "conversion_rate": "people",
            "share": "all steps that begin at the same end",
        },
        "sums_exceed_totals": "a person with several conversions in the range may have gone several ways: one person in each \
                               of these rows, and once in totals",
        "look_back": touching.look_back.to_string(),
        "kinds": touching.kinds,
        "traffic": if touching.all_traffic { "all" } else { "human" },
        "time_zone": touching.time_zone,
        "range": { "from": range.show(range.from), "to": range.show(range.to) },
        "exact": true,
        "freshness": Freshness::of(range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })
}

/// The first paths of all, and how many there are.
fn rows(question: &Question, ways: &Ways) -> (Vec<Value>, usize) {
    let by = question.touching.by;
    let first = |outcome: &Outcome| match question.by_people {
        true => outcome.people(),
        false => outcome.conversions(),
    };
    let labels = |path: &[u32]| -> Vec<String> {
        let labels = path.iter().map(|label| by.show(ways.label(*label)));
        labels.collect()
    };
    let mut paths: Vec<_> = ways.paths().collect();
    let groups = paths.len();
    paths.sort_by(|(a, of_a), (b, of_b)| {
        let key = |path: &[u32], of: &Outcome| (Reverse((first(of), of.people())), path.len());
        key(a, of_a)
            .cmp(&key(b, of_b))
            .then_with(|| labels(a).cmp(&labels(b)))
    });
    paths.truncate(question.limit);
    let row = |(path, outcome): (&Vec<u32>, &Outcome)| {
        let touches = labels(path);
        let mut row = Map::new();
        row.insert("path".to_owned(), json!(touches.join(" > ")));
        row.insert("touches".to_owned(), json!(touches));
        row.extend(told(outcome.clone()));
        Value::Object(row)
    };
    (paths.into_iter().map(row).collect(), groups)
}

/// What became of those who went some way.
fn told(mut outcome: Outcome) -> Map<String, Value> {
    let median = outcome.median_wait().map(|ms| ms as f64 / 1000.0);
    let (people, converted) = (outcome.people(), outcome.converted());
    let conversions = outcome.conversions();
    let revenue = outcome.revenue.into_iter().unzip();
    let told = [
        ("people", json!(people)),
        ("converted", json!(converted)),
        ("conversion_rate", share(converted, people)),
        ("conversions", json!(conversions)),
        ("revenue", json!(amounts(revenue))),
        ("time_to_convert", json!({ "p50": median })),
    ];
    let told = told.map(|(name, value)| (name.to_owned(), value));
    told.into_iter().collect()
}

/// The most frequent transitions, and how many there are.
fn transitions(ways: &Ways, by: Label) -> (Vec<Value>, usize) {
    let transitions = ways.transitions();
    let leaving = |from: End| -> u64 {
        let all = transitions.range((from, End::Start)..=(from, End::More));
        all.map(|(_, count)| count).sum()
    };
    let groups = transitions.len();
    let mut steps: Vec<_> = transitions.iter().collect();
    steps.sort_by_key(|(_, count)| Reverse(**count));
    let step = |((from, to), count): (&(End, End), &u64)| {
        json!({
            "from": end(ways, *from, by),
            "to": end(ways, *to, by),
            "count": count,
            "share": share(*count, leaving(*from)),
        })
    };
    let told = steps.into_iter().take(MOST_STEPS).map(step);
    (told.collect(), groups)
}

/// The most frequent steps by their number, and how many there are.
fn flow(ways: &Ways, steps: usize, by: Label) -> (Vec<Value>, usize) {
    let mut flow: Vec<_> = ways.flow(steps).into_iter().collect();
    let groups = flow.len();
    flow.sort_by_key(|(_, count)| Reverse(*count));
    flow.truncate(MOST_STEPS);
    flow.sort_by_key(|((step, ..), _)| *step);
    let step = |((step, from, to), count): ((usize, End, End), u64)| {
        json!({
            "step": step,
            "from": end(ways, from, by),
            "to": end(ways, to, by),
            "count": count,
        })
    };
    (flow.into_iter().map(step).collect(), groups)
}

fn end(ways: &Ways, end: End, by: Label) -> String {
    match end {
        End::Start => "(start)".to_owned(),
        End::Touch(label) => by.show(ways.label(label)),
        End::Conversion => "(conversion)".to_owned(),
        End::Nothing => "(no conversion)".to_owned(),
        End::More => "(more)".to_owned(),
    }
}

fn definition() -> Value {
    json!({
        "path": "Of a conversion of the range, the labels of its touches as attribution finds them, the earliest first. Of a \
                 person with none of these conversions in the range, those of their clicks in the range. With collapse, the \
                 same label right behind itself is one.",
        "people": "Distinct people who went this way: the customer where known, else the visitor, else the click alone.",
        "converted": "People whose conversion came this way.",
        "conversion_rate": "converted / people, with its 95 % interval by Wilson's score (1927).",
        "conversions": "Conversions of the range that came this way, several of one person too.",
        "revenue": "What the sales were worth, less what was given back of them, in minor units, each currency for itself.",
        "time_to_convert": "Seconds from the first touch to the conversion: the shortest time that a half of them did not take \
                            longer than. Null where there are none.",
        "transitions": "How often one label came right behind another, over all conversions and all people without any; share \
                        is of all steps that begin at the same end, with its 95 % interval.",
        "flow": "The same by the number of the step, so that no step leads back; more touches than steps end in (more).",
        "without_touch": "Conversions of the range without any touch: they have no path, and are in no rate.",
    })
}
