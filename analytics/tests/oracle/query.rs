//! Random queries against a count by hand: any metrics by any dimensions of any clicks, cut, compared and filtered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};
use whence_core::id::LinkId;

use super::reference::{Asked, attributed, label, refunded, standing, verdict};
use super::stream::{DAY, HOUR, MINUTE, ODD_SOURCE, World};
use crate::events::{Click, Conversion, LEAD, SALE};
use crate::support::Service;

const METRICS: [&str; 14] = [
    "clicks",
    "visitors",
    "approximate_visitors",
    "new_visitors",
    "returning_visitors",
    "links",
    "leads",
    "sales",
    "conversions",
    "converted_clicks",
    "conversion_rate",
    "revenue",
    "refunded",
    "time_to_convert",
];

/// A dimension: its name, and a click's values.
pub(super) type Dimension = (&'static str, fn(&Click) -> Vec<String>);

/// Dimensions that the reference knows.
pub(super) const DIMENSIONS: [Dimension; 8] = [
    ("channel", |click| vec![click.channel.clone()]),
    ("source", |click| vec![click.source.clone()]),
    ("link", |click| vec![LinkId(click.link_id).to_string()]),
    ("slug", |click| vec![click.slug.clone()]),
    ("country", |click| vec![click.country.clone()]),
    ("variant", |click| vec![click.variant.clone()]),
    ("tag", |click| match click.tags.as_slice() {
        [] => vec![String::new()],
        tags => tags.to_vec(),
    }),
    ("verdict", |click| vec![verdict(click).into()]),
];

/// A filter in both forms.
pub(super) struct Filter {
    pub(super) json: Value,
    pub(super) holds: Box<dyn Fn(&Click) -> bool + Send + Sync>,
}

/// A query in the words of the reference.
pub(super) struct Query {
    pub(super) metrics: Vec<&'static str>,
    pub(super) dimensions: Vec<Dimension>,
    filter: Option<Filter>,
    pub(super) interval: Option<&'static str>,
    all_traffic: bool,
    unique: Option<i64>,
    from: i64,
    to: i64,
    /// With which other time it is compared.
    pub(super) before: Option<(i64, i64)>,
}

/// Compares two queries; answers how many.
pub(super) async fn some(service: &Service, key: &str, world: &World, round: u64) -> usize {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed * 2 + round + 2_000_000);
    for _ in 0..2 {
        one(service, key, world, &mut rng).await;
    }
    2
}

async fn one(service: &Service, key: &str, world: &World, rng: &mut Rng) {
    let (query, body) = question(world, rng);
    let got = service
        .ask(key, "POST", "/api/v1/query", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let mut got: Value = got.json();
    // Written and read once, as what came over HTTP was, so that a rate is rounded alike.
    let expected = expected(&query, world).to_string();
    let mut expected: Value = serde_json::from_str(&expected).unwrap();
    let zone = TimeZone::get(world.zone).unwrap();
    if let Some(interval) = query.interval {
        for row in got["rows"].as_array_mut().unwrap() {
            let time: Timestamp = row["time"].as_str().unwrap().parse().unwrap();
            row["time"] = json!(label(time.as_millisecond(), &zone, interval));
        }
    }
    for part in ["rows", "totals", "groups"] {
        assert_eq!(
            round_rates(&mut got[part]),
            round_rates(&mut expected[part]),
            "{part} of {body} in {} of {}",
            world.workspace,
            world.zone
        );
    }
}

/// Confidence intervals are checked by themselves; here the share alone.
pub(super) fn round_rates(value: &mut Value) -> Value {
    match value {
        Value::Object(object) => {
            if let Some(rate) = object.get_mut("conversion_rate")
                && let Some(share) = rate.get("value")
            {
                *rate = share.clone();
            }
            object.values_mut().for_each(|value| {
                round_rates(value);
            });
        }
        Value::Array(values) => values.iter_mut().for_each(|value| {
            round_rates(value);
        }),
        _ => {}
    }
    value.clone()
}

pub(super) fn question(world: &World, rng: &mut Rng) -> (Query, Value) {
    let zone = TimeZone::get(world.zone).unwrap();
    let spread = [2 * HOUR, 2 * DAY, 25 * DAY][rng.usize(..3)];
    let mut from = world.around - rng.i64(0..spread);
    let mut to = world.around + rng.i64(1..spread);
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
    let zoned = |ms: i64| instant(ms).to_zoned(zone.clone());
    let ms = |at: jiff::Zoned| at.timestamp().as_millisecond();
    let midnight = |day: jiff::civil::Date| ms(day.to_zoned(zone.clone()).unwrap());
    let mut body = json!({});
    let whole_days = rng.bool();
    if whole_days {
        let (first, last) = (zoned(from).date(), zoned(to).date());
        (from, to) = (midnight(first), midnight(last.tomorrow().unwrap()));
        body["from"] = json!(first.to_string());
        body["to"] = json!(last.to_string());
    } else {
        // Not at midnight, where a range is one of days.
        (from, to) = (from | 1, to | 1);
        if from == to {
            to += 2;
        }
        body["from"] = json!(instant(from).to_string());
        body["to"] = json!(instant(to).to_string());
    }
    let mut metrics = METRICS.to_vec();
    rng.shuffle(&mut metrics);
    metrics.truncate(rng.usize(1..=METRICS.len()));
    let mut dimensions = DIMENSIONS.to_vec();
    rng.shuffle(&mut dimensions);
    dimensions.truncate(rng.usize(0..=3));
    body["metrics"] = json!(metrics);
    body["dimensions"] = json!(dimensions.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let interval = rng.bool().then(|| {
        let possible = ["minute", "hour", "day", "week", "month", "quarter", "year"];
        let least = usize::from(to - from > 6 * DAY);
        possible[rng.usize(least..possible.len())]
    });
    if let Some(interval) = interval {
        body["interval"] = json!(interval);
        body["limit"] = json!(10_000);
    } else {
        body["limit"] = json!(1_000);
    }
    let (all_traffic, unique) = match rng.u8(0..3) {
        0 => (false, None),
        1 => (true, None),
        _ => {
            let (text, window) =
                [("1s", 1000), ("30m", 30 * MINUTE), ("2d", 2 * DAY)][rng.usize(..3)];
            body["traffic"] = json!(format!("unique:{text}"));
            (false, Some(window))
        }
    };
    if all_traffic {
        body["traffic"] = json!("all");
    }
    let filter = rng.bool().then(|| filter(rng, 0));
    if let Some(filter) = &filter {
        body["filter"] = filter.json.clone();
    }
    let before = match rng.u8(0..3) {
        0 => {
            body["compare"] = json!("previous_period");
            Some(match whole_days {
                true => {
                    let days = zoned(from)
                        .date()
                        .until(zoned(to).date())
                        .unwrap()
                        .get_days();
                    (
                        midnight(zoned(from).date().saturating_sub(days.days())),
                        from,
                    )
                }
                false => (from - (to - from), from),
            })
        }
        1 => {
            body["compare"] = json!("previous_year");
            let year = |at: i64| ms(zoned(at).checked_sub(1.year()).unwrap());
            Some((year(from), year(to)))
        }
        _ => None,
    };
    let query = Query {
        metrics,
        dimensions,
        filter,
        interval,
        all_traffic,
        unique,
        from,
        to,
        before,
    };
    (query, body)
}

/// A filter at random; what it asks of a click stands beside it as a function.
pub(super) fn filter(rng: &mut Rng, depth: usize) -> Filter {
    if depth < 3 && rng.u8(0..3) == 0 {
        let parts: Vec<Filter> = (0..rng.usize(1..4))
            .map(|_| filter(rng, depth + 1))
            .collect();
        let list: Vec<&Value> = parts.iter().map(|part| &part.json).collect();
        return match rng.u8(0..3) {
            0 => Filter {
                json: json!({ "and": list }),
                holds: Box::new(move |click| parts.iter().all(|part| (part.holds)(click))),
            },
            1 => Filter {
                json: json!({ "or": list }),
                holds: Box::new(move |click| parts.iter().any(|part| (part.holds)(click))),
            },
            _ => Filter {
                json: json!({ "not": list[0] }),
                holds: Box::new(move |click| !(parts[0].holds)(click)),
            },
        };
    }
    let (name, values_of) = DIMENSIONS[rng.usize(..DIMENSIONS.len())];
    let wanted: Vec<String> = match name {
        "link" => vec![LinkId(rng.u64(1..4)).to_string()],
        "verdict" => vec!["human".into(), "bot".into()],
        _ => [
            "", "Email", "Direct", "google", ODD_SOURCE, "DE", "a", "B, ß", "50% off", "'ß\"",
            "ß/b",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let one = wanted[rng.usize(..wanted.len())].clone();
    let several: Vec<String> = wanted.iter().filter(|_| rng.bool()).cloned().collect();
    type Holds = Box<dyn Fn(&str) -> bool + Send + Sync>;
    let (test, value, holds): (&str, Value, Holds) = match rng.u8(0..5) {
        2 if !several.is_empty() => {
            let list = json!(several);
            (
                "in",
                list,
                Box::new(move |value| several.iter().any(|one| one == value)),
            )
        }
        3 if name != "link" && !one.is_empty() => {
            let text = json!(one);
            (
                "contains",
                text,
                Box::new(move |value| value.contains(&one)),
            )
        }
        4 if name != "link" => (
            "matches",
            json!("^[a-z]|ß"),
            Box::new(|value: &str| {
                value.contains('ß') || value.starts_with(|c: char| c.is_ascii_lowercase())
            }),
        ),
        _ => {
            let text = json!(one);
            ("is", text, Box::new(move |value| value == one))
        }
    };
    let negated = rng.bool() && test != "matches";
    let test = match (test, negated) {
        ("is", true) => "is_not",
        ("in", true) => "not_in",
        ("contains", true) => "contains_not",
        (test, _) => test,
    };
    // Of what has several values, one must pass; what has none has only the empty one, which holds no text.
    Filter {
        json: json!({ "dimension": name, test: value }),
        holds: Box::new(move |click| values_of(click).iter().any(|value| holds(value)) != negated),
    }
}

fn asked(query: &Query) -> Asked {
    Asked {
        from: query.from,
        to: query.to,
        all_traffic: query.all_traffic,
        channel: None,
        source: None,
        link: None,
    }
}

/// The clicks of a stretch of time that the query is about.
fn selected<'a>(query: &Query, world: &'a World, from: i64, to: i64) -> Vec<&'a Click> {
    let mut chosen: Vec<&Click> = world
        .clicks
        .iter()
        .filter(|click| click.outcome == 1 && (query.all_traffic || click.is_a_persons()))
        .filter(|click| {
            query
                .filter
                .as_ref()
                .is_none_or(|filter| (filter.holds)(click))
        })
        .collect();
    chosen.sort_by_key(|click| (click.time, click.click_id));
    let is_repeat = |at: usize, window: i64| {
        let click = chosen[at];
        let mut before = chosen[..at].iter().rev();
        click.visitor_id != 0
            && before.any(|other| {
                other.visitor_id == click.visitor_id
                    && other.link_id == click.link_id
                    && click.time - other.time < window
            })
    };
    (0..chosen.len())
        .filter(|&at| (from..to).contains(&chosen[at].time))
        .filter(|&at| query.unique.is_none_or(|window| !is_repeat(at, window)))
        .map(|at| chosen[at])
        .collect()
}

fn metrics(query: &Query, world: &World, clicks: &[&Click]) -> Map<String, Value> {
    let question = asked(query);
    let standing = standing(world);
    let owned: Vec<(&Conversion, &Click)> = attributed(&question, world)
        .into_iter()
        .filter_map(|(conversion, click)| click.ok().map(|click| (conversion, click)))
        .filter(|(_, click)| clicks.iter().any(|of| of.click_id == click.click_id))
        .collect();
    let count = |kind: i8| owned.iter().filter(|(c, _)| c.kind == kind).count();
    let visitors: BTreeSet<u128> = clicks
        .iter()
        .map(|click| click.visitor_id)
        .filter(|id| *id != 0)
        .collect();
    let new: BTreeSet<u128> = clicks
        .iter()
        .filter(|click| click.new_visitor && click.visitor_id != 0)
        .map(|click| click.visitor_id)
        .collect();
    let links: BTreeSet<u64> = clicks.iter().map(|click| click.link_id).collect();
    let converted: BTreeSet<u128> = owned.iter().map(|(_, click)| click.click_id).collect();
    let mut revenue: BTreeMap<&str, i128> = BTreeMap::new();
    let mut given_back: BTreeMap<&str, i128> = BTreeMap::new();
    for (conversion, _) in owned.iter().filter(|(c, _)| c.kind == SALE) {
        let back = i128::from(refunded(conversion, &standing));
        let worth = i128::from(conversion.amount_minor);
        if !conversion.currency.is_empty() {
            *revenue.entry(&conversion.currency).or_default() += worth - back;
        }
        if back != 0 {
            *given_back.entry(&conversion.currency).or_default() += back;
        }
    }
    let shown = |sums: &BTreeMap<&str, i128>| {
        let each = |(currency, minor): (&&str, &i128)| json!({"currency": currency, "amount_minor": i64::try_from(*minor).unwrap()});
        sums.iter().map(each).collect::<Value>()
    };
    let mut waits: Vec<i64> = owned
        .iter()
        .map(|(conversion, click)| conversion.occurred_at - click.time)
        .collect();
    waits.sort_unstable();
    // The smallest that so many tenths are not above.
    let quantile = |tenths: usize| {
        let enough = |ms: &&i64| {
            let within = waits.iter().filter(|other| other <= ms).count();
            within * 10 >= tenths * waits.len()
        };
        waits.iter().find(enough).map(|ms| *ms as f64 / 1000.0)
    };
    let all = json!({
        "clicks": clicks.len(),
        "visitors": visitors.len(),
        // So few are counted exactly.
        "approximate_visitors": visitors.len(),
        "new_visitors": new.len(),
        "returning_visitors": visitors.len() - new.len(),
        "links": links.len(),
        "leads": count(LEAD),
        "sales": count(SALE),
        "conversions": owned.len(),
        "converted_clicks": converted.len(),
        "conversion_rate": (!clicks.is_empty()).then(|| converted.len() as f64 / clicks.len() as f64),
        "revenue": shown(&revenue),
        "refunded": shown(&given_back),
        "time_to_convert": { "p50": quantile(5), "p90": quantile(9) },
    });
    let wanted = query.metrics.iter();
    wanted
        .map(|name| ((*name).to_owned(), all[name].clone()))
        .collect()
}

/// The names of the intervals of a stretch of time.
fn labels(query: &Query, world: &World, from: i64, to: i64) -> Vec<String> {
    let Some(interval) = query.interval else {
        return vec![String::new()];
    };
    let zone = TimeZone::get(world.zone).unwrap();
    let mut labels: Vec<String> = Vec::new();
    let mut at = from;
    while at < to {
        let label = label(at, &zone, interval);
        if labels.last() != Some(&label) {
            labels.push(label);
        }
        at = (at.div_euclid(MINUTE) + 1) * MINUTE;
    }
    labels
}

/// The number of an interval, and the values of the dimensions.
type Key = (usize, Vec<String>);

fn grouped<'a>(
    query: &Query,
    world: &'a World,
    from: i64,
    to: i64,
) -> BTreeMap<Key, Vec<&'a Click>> {
    let zone = TimeZone::get(world.zone).unwrap();
    let labels = labels(query, world, from, to);
    let mut groups: BTreeMap<Key, Vec<&Click>> = BTreeMap::new();
    for click in selected(query, world, from, to) {
        let of = query
            .interval
            .map_or(String::new(), |interval| label(click.time, &zone, interval));
        let bucket = labels.iter().position(|label| *label == of).unwrap();
        let mut keys = vec![Vec::new()];
        for (_, values_of) in &query.dimensions {
            let longer = |key: &Vec<String>| {
                let values = values_of(click).into_iter();
                let key = key.clone();
                values
                    .map(move |value| [key.clone(), vec![value]].concat())
                    .collect::<Vec<_>>()
            };
            keys = keys.iter().flat_map(longer).collect();
        }
        for key in keys {
            groups.entry((bucket, key)).or_default().push(click);
        }
    }
    groups
}

pub(super) fn expected(query: &Query, world: &World) -> Value {
    let groups = grouped(query, world, query.from, query.to);
    let count = groups.len();
    let labels = labels(query, world, query.from, query.to);
    let earlier = query
        .before
        .map(|(from, to)| grouped(query, world, from, to));
    let mut rows: Vec<(Key, Vec<&Click>)> = groups.into_iter().collect();
    if query.interval.is_some() && query.dimensions.is_empty() {
        rows = (0..labels.len())
            .map(|bucket| {
                let key = (bucket, Vec::new());
                let found = rows.iter().find(|(of, _)| *of == key);
                let clicks = found.map_or(Vec::new(), |(_, clicks)| clicks.clone());
                (key, clicks)
            })
            .collect();
    }
    let row = |(key, clicks): &(Key, Vec<&Click>)| {
        let mut row = metrics(query, world, clicks);
        if let Some(earlier) = &earlier {
            let before = earlier.get(key).cloned().unwrap_or_default();
            row.insert("previous".into(), metrics(query, world, &before).into());
        }
        if query.interval.is_some() {
            row.insert("time".into(), json!(labels[key.0]));
        }
        for ((name, _), value) in query.dimensions.iter().zip(&key.1) {
            row.insert((*name).into(), json!(value));
        }
        row
    };
    let mut rows: Vec<_> = rows
        .iter()
        .map(|group| (group.0.clone(), row(group)))
        .collect();
    // Links come by their number, which their text sorts as.
    if query.interval.is_none() && rank(&Value::Null, query.metrics[0]).is_some() {
        rows.sort_by_cached_key(|(key, row)| {
            let value = rank(&row[query.metrics[0]], query.metrics[0]).unwrap();
            (Reverse(value), key.clone())
        });
    }
    let mut totals = metrics(query, world, &selected(query, world, query.from, query.to));
    if let Some((from, to)) = query.before {
        let before = metrics(query, world, &selected(query, world, from, to));
        totals.insert("previous".into(), before.into());
    }
    let rows: Vec<Value> = rows.into_iter().map(|(_, row)| row.into()).collect();
    json!({ "rows": rows, "totals": totals, "groups": count })
}

/// By what rows are ordered where nothing is said; none for a metric that is no order.
fn rank(value: &Value, metric: &str) -> Option<u64> {
    match metric {
        "revenue" | "refunded" | "time_to_convert" => None,
        "conversion_rate" => Some(value.as_f64().unwrap_or(0.0).to_bits()),
        _ => Some(value.as_u64().unwrap_or(0)),
    }
}
