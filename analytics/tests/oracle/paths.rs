//! Paths against journeys that are followed one by one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use whence_core::id::LinkId;

use super::attribution::touches;
use super::people::{Person, of_click, of_conversion};
use super::query::filter;
use super::reference::{refunded, standing};
use super::stream::{DAY, HOUR, World, range};
use crate::events::{Click, Conversion, LEAD, SALE};
use crate::support::Service;

/// Somebody's way to a conversion, or to none.
struct Journey {
    person: Person,
    labels: Vec<String>,
    /// What came of it: how long it took, what it was worth.
    conversion: Option<(i64, String, i128)>,
}

/// Compares one answer.
pub(super) async fn one(service: &Service, key: &str, world: &World) {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed + 4_000_000);
    let spread = [2 * HOUR, 2 * DAY, 25 * DAY][rng.usize(..3)];
    let (from, to) = range(world, &mut rng, spread);
    let days = [1, 7, 90, 365][rng.usize(..4)];
    let (all_traffic, collapse, by_people) = (rng.bool(), rng.bool(), rng.bool());
    let kinds: &[&str] = [&["sale"][..], &["lead"], &["sale", "lead"]][rng.usize(..3)];
    let by = ["channel", "source", "link"][rng.usize(..3)];
    let filter = (rng.u8(0..3) == 0).then(|| filter(&mut rng, 0));
    let (limit, steps) = ([2, 1000][rng.usize(..2)], rng.usize(1..=10));
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
    let mut body = json!({
        "from": instant(from), "to": instant(to), "look_back": format!("{days}d"), "kinds": kinds,
        "traffic": if all_traffic { "all" } else { "human" }, "by": by, "collapse": collapse,
        "order": if by_people { "people" } else { "conversions" }, "limit": limit, "steps": steps,
    });
    if let Some(filter) = &filter {
        body["filter"] = filter.json.clone();
    }
    let got = service
        .ask(key, "POST", "/api/v1/paths", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let mut got: Value = got.json();

    let counts = |click: &Click| {
        click.outcome == 1
            && (all_traffic || click.is_a_persons())
            && filter.as_ref().is_none_or(|filter| (filter.holds)(click))
    };
    let label = |click: &&Click| match by {
        "channel" => click.channel.clone(),
        "source" => click.source.clone(),
        _ => LinkId(click.link_id).to_string(),
    };
    let labels = |clicks: &[&Click]| {
        let mut labels: Vec<String> = clicks.iter().map(label).collect();
        if collapse {
            labels.dedup();
        }
        labels
    };
    let standing = standing(world);
    let asked: Vec<&Conversion> = standing
        .iter()
        .copied()
        .filter(|conversion| {
            let kind = match conversion.kind {
                SALE => "sale",
                LEAD => "lead",
                _ => return false,
            };
            kinds.contains(&kind) && (from..to).contains(&conversion.occurred_at)
        })
        .collect();
    let mut journeys: Vec<Journey> = Vec::new();
    let mut converted: BTreeSet<Person> = BTreeSet::new();
    for conversion in &asked {
        let mut touches = touches(conversion, &standing, world);
        touches.retain(|click| {
            counts(click)
                && click.time <= conversion.occurred_at
                && conversion.occurred_at - click.time <= days * DAY
        });
        let worth = match conversion.kind {
            SALE => conversion.amount_minor - refunded(conversion, &standing),
            _ => 0,
        };
        let wait = touches
            .first()
            .map_or(0, |click| conversion.occurred_at - click.time);
        let person = of_conversion(conversion, world);
        converted.insert(person.clone());
        journeys.push(Journey {
            person,
            labels: labels(&touches),
            conversion: Some((wait, conversion.currency.clone(), worth.into())),
        });
    }
    let mut others: BTreeMap<Person, Vec<&Click>> = BTreeMap::new();
    for click in &world.clicks {
        let person = of_click(click, world);
        if counts(click) && (from..to).contains(&click.time) && !converted.contains(&person) {
            others.entry(person).or_default().push(click);
        }
    }
    for (person, mut clicks) in others {
        clicks.sort_by_key(|click| (click.time, click.click_id));
        journeys.push(Journey {
            person,
            labels: labels(&clicks),
            conversion: None,
        });
    }
    let (with, without): (Vec<_>, Vec<_>) = journeys
        .into_iter()
        .partition(|journey| !journey.labels.is_empty());
    let expected = expected(&with, &without, by_people, limit, steps);
    rates(&mut got);
    for part in [
        "rows",
        "groups",
        "totals",
        "without_touch",
        "lengths",
        "transitions",
        "flow",
    ] {
        assert_eq!(
            sorted(part, &got),
            sorted(part, &expected),
            "{part} of {body} in {}",
            world.workspace
        );
    }
}

/// Steps that are equally frequent come in any order here.
fn sorted(part: &str, of: &Value) -> Value {
    let mut value = of[part].clone();
    if let ("transitions" | "flow", Value::Array(rows)) = (part, &mut value) {
        rows.sort_by_key(Value::to_string);
    }
    value
}

/// Confidence intervals hold the share, and are checked by themselves.
fn rates(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let share = value.get("value").and_then(Value::as_f64);
                if let ("conversion_rate" | "share", Some(share)) = (name.as_str(), share) {
                    assert!(value["low"].as_f64().unwrap() <= share);
                    assert!(value["high"].as_f64().unwrap() >= share);
                    *value = json!(share);
                } else {
                    rates(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(rates),
        _ => {}
    }
}

fn expected(
    with: &[Journey],
    without: &[Journey],
    by_people: bool,
    limit: usize,
    steps: usize,
) -> Value {
    let mut by_path: BTreeMap<Vec<String>, Vec<&Journey>> = BTreeMap::new();
    let mut by_length: BTreeMap<usize, Vec<&Journey>> = BTreeMap::new();
    let mut transitions: BTreeMap<[String; 2], usize> = BTreeMap::new();
    let mut flow: BTreeMap<(usize, [String; 2]), usize> = BTreeMap::new();
    for journey in with {
        by_path
            .entry(journey.labels.clone())
            .or_default()
            .push(journey);
        by_length
            .entry(journey.labels.len())
            .or_default()
            .push(journey);
        let end = match journey.conversion {
            Some(_) => "(conversion)",
            None => "(no conversion)",
        };
        let mut before = "(start)".to_owned();
        for (number, next) in journey
            .labels
            .iter()
            .map(String::as_str)
            .chain([end])
            .enumerate()
        {
            let step = [before, next.to_owned()];
            if number < steps || number == steps && number == journey.labels.len() {
                *flow.entry((number + 1, step.clone())).or_default() += 1;
            } else if number == steps {
                let more = [step[0].clone(), "(more)".to_owned()];
                *flow.entry((number + 1, more)).or_default() += 1;
            }
            *transitions.entry(step).or_default() += 1;
            before = next.to_owned();
        }
    }
    let mut rows: Vec<(Vec<String>, Value)> = by_path
        .into_iter()
        .map(|(path, journeys)| {
            let mut row = outcome(&journeys);
            row["path"] = json!(path.join(" > "));
            row["touches"] = json!(path);
            (path, row)
        })
        .collect();
    let groups = rows.len();
    let count = |row: &Value, name: &str| Reverse(row[name].as_u64());
    rows.sort_by_key(|(path, row)| {
        let first = if by_people { "people" } else { "conversions" };
        (
            count(row, first),
            count(row, "people"),
            path.len(),
            path.clone(),
        )
    });
    let lengths: Vec<Value> = by_length
        .into_iter()
        .map(|(touches, journeys)| {
            let mut row = outcome(&journeys);
            row["touches"] = json!(touches);
            row
        })
        .collect();
    let leaving = |from: &str| -> usize {
        let all = transitions.iter().filter(|(step, _)| step[0] == from);
        all.map(|(_, count)| count).sum()
    };
    let told =
        |[from, to]: &[String; 2], count: &usize| json!({ "from": from, "to": to, "count": count });
    let transitions: Vec<Value> = transitions
        .iter()
        .map(|(step, count)| {
            let mut row = told(step, count);
            row["share"] = json!(*count as f64 / leaving(&step[0]) as f64);
            row
        })
        .collect();
    let flow: Vec<Value> = flow
        .iter()
        .map(|((number, step), count)| {
            let mut row = told(step, count);
            row["step"] = json!(number);
            row
        })
        .collect();
    let all: Vec<&Journey> = with.iter().collect();
    let missed: Vec<&Journey> = without.iter().collect();
    let mut missed = outcome(&missed);
    let missed = json!({ "people": missed["people"].take(), "conversions": missed["conversions"].take(), "revenue": missed["revenue"].take() });
    let rows: Vec<Value> = rows.into_iter().map(|(_, row)| row).take(limit).collect();
    let expected = json!({
        "rows": rows, "groups": groups, "totals": outcome(&all), "without_touch": missed,
        "lengths": lengths, "transitions": transitions, "flow": flow,
    });
    // Written and read once, as what came over HTTP was, so that a share is rounded alike.
    serde_json::from_str(&expected.to_string()).unwrap()
}

fn outcome(journeys: &[&Journey]) -> Value {
    let people: BTreeSet<&Person> = journeys.iter().map(|journey| &journey.person).collect();
    let ended = journeys
        .iter()
        .filter_map(|journey| Some((&journey.person, journey.conversion.as_ref()?)));
    let converted: BTreeSet<&Person> = ended.clone().map(|(person, _)| person).collect();
    let mut waits: Vec<i64> = ended.clone().map(|(_, (wait, ..))| *wait).collect();
    waits.sort_unstable();
    let mut revenue: BTreeMap<&str, i128> = BTreeMap::new();
    for (_, (_, currency, worth)) in ended {
        *revenue.entry(currency).or_default() += worth;
    }
    revenue.remove("");
    let revenue: Vec<Value> = revenue
        .into_iter()
        .map(|(currency, minor)| json!({"currency": currency, "amount_minor": i64::try_from(minor).unwrap()}))
        .collect();
    let rate = (!people.is_empty()).then(|| converted.len() as f64 / people.len() as f64);
    // The lower of the two in the middle.
    let middle = waits.len().checked_sub(1).map(|last| waits[last / 2]);
    json!({
        "people": people.len(),
        "converted": converted.len(),
        "conversion_rate": rate,
        "conversions": waits.len(),
        "revenue": revenue,
        "time_to_convert": { "p50": middle.map(|ms| ms as f64 / 1000.0) },
    })
}
