//! Random funnels against a count by hand: who is whom, which events serve which steps, and every way that leads through them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::people::{self, Person};
use super::query::{DIMENSIONS, Dimension, filter};
use super::reference::{label, owed_to, refunded, standing};
use super::stream::{DAY, HOUR, MINUTE, World, range};
use crate::events::{Click, Conversion, LEAD, PageEvent, SALE};
use crate::support::Service;

/// An event of whatever kind.
#[derive(Clone, Copy)]
enum Happened<'w> {
    Click(&'w Click),
    Page(&'w PageEvent),
    Conversion(&'w Conversion),
}

/// Whether an event is meant.
type Means = Box<dyn Fn(Happened<'_>, Option<&Click>) -> bool + Send + Sync>;

/// A funnel in the words of the reference.
struct Funnel {
    steps: Vec<Means>,
    within: Vec<Option<i64>>,
    exclude: Vec<(Means, (usize, usize))>,
    order: &'static str,
    window: i64,
    from: i64,
    to: i64,
    all_traffic: bool,
    interval: Option<&'static str>,
    by: Option<Dimension>,
    limit: usize,
}

/// An event with all that a funnel wants to know of it.
#[derive(Clone)]
struct Event {
    at: i64,
    /// Kind and id, by which ties are broken.
    place: (u8, u128, String),
    serves: Vec<bool>,
    excluded: Vec<bool>,
    values: Vec<String>,
    worth: Option<(String, i64)>,
}

/// How far one person got: the events, and whether the next step is open.
struct Way {
    taken: Vec<usize>,
    open: bool,
}

/// Compares a funnel; answers how many people took more than one step.
pub(super) async fn once(service: &Service, key: &str, world: &World, round: u64) -> u64 {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed * 2 + round + 4_000_000);
    let (funnel, body) = question(world, &mut rng);
    let got = service
        .ask(key, "POST", "/api/v1/funnel", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let mut got: Value = got.json();
    let asked: Timestamp = got["as_of"].as_str().unwrap().parse().unwrap();
    let expected = expected(&funnel, world, asked.as_millisecond()).to_string();
    // Written and read once, as what came over HTTP was, so that a rate is rounded alike.
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let zone = TimeZone::get(world.zone).unwrap();
    for part in ["rows", "totals"] {
        for row in got[part].as_array_mut().unwrap() {
            if let (Some(interval), Some(time)) = (funnel.interval, row["time"].as_str()) {
                let time: Timestamp = time.parse().unwrap();
                row["time"] = json!(label(time.as_millisecond(), &zone, interval));
            }
            for rate in ["rate_from_last", "rate_from_first"] {
                row[rate] = row[rate]["value"].take();
            }
            for told in ["event", "name", "within"] {
                row.as_object_mut().unwrap().remove(told);
            }
        }
        let what = format!("{part} of {body} in {} of {}", world.workspace, world.zone);
        assert_eq!(got[part], expected[part], "{what}");
        assert_eq!(got["groups"], expected["groups"], "{what}");
    }
    got["totals"][1]["people"].as_u64().unwrap()
}

fn question(world: &World, rng: &mut Rng) -> (Funnel, Value) {
    let spread = [2 * DAY, 25 * DAY, 25 * DAY][rng.usize(..3)];
    let (from, to) = range(world, rng, spread);
    let spans = [
        ("1s", 1000),
        ("30m", 30 * MINUTE),
        ("3h", 3 * HOUR),
        ("7d", 7 * DAY),
        ("365d", 365 * DAY),
    ];
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
    let order = ["ordered", "ordered", "strict", "any"][rng.usize(..4)];
    let window = spans[[1, 2, 3, 4, 4][rng.usize(..5)]];
    let all_traffic = rng.bool();
    let limit = rng.usize(1..5);
    let mut body = json!({
        "from": instant(from), "to": instant(to), "order": order, "window": window.0, "limit": limit,
        "traffic": if all_traffic { "all" } else { "human" },
    });
    let count = rng.usize(2..5);
    let (mut steps, mut within, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let (means, mut step) = condition(rng, number == 0);
        let span =
            (number > 0 && order != "any" && rng.u8(0..3) == 0).then(|| spans[rng.usize(..5)]);
        if let Some((text, _)) = span {
            step["within"] = json!(text);
        }
        within.push(span.map(|(_, ms)| ms));
        steps.push(means);
        asked.push(step);
    }
    body["steps"] = json!(asked);
    let (mut exclude, mut excluded) = (Vec::new(), Vec::new());
    if order != "any" {
        for _ in 0..[0, 0, 0, 1, 2][rng.usize(..5)] {
            let (means, mut condition) = condition(rng, false);
            let last = rng.usize(2..=count);
            let between = (rng.usize(1..last), last);
            condition["between"] = json!([between.0, between.1]);
            exclude.push((means, between));
            excluded.push(condition);
        }
        body["exclude"] = json!(excluded);
    }
    let interval = (rng.u8(0..3) == 0).then(|| ["day", "week", "month"][rng.usize(..3)]);
    if let Some(interval) = interval {
        body["interval"] = json!(interval);
    }
    // A link's number is no text to order by.
    let by = DIMENSIONS[rng.usize(..DIMENSIONS.len())];
    let by = (by.0 != "link" && rng.bool()).then_some(by);
    if let Some((name, _)) = by {
        body["by"] = json!(name);
    }
    let funnel = Funnel {
        steps,
        within,
        exclude,
        order,
        window: window.1,
        from,
        to,
        all_traffic,
        interval,
        by,
        limit,
    };
    (funnel, body)
}

/// What a step or an exclusion asks, in both forms.
fn condition(rng: &mut Rng, is_first: bool) -> (Means, Value) {
    let kinds = [
        "click",
        "click",
        "page",
        "event",
        "lead",
        "sale",
        "conversion",
    ];
    let kind = match is_first && rng.bool() {
        true => "click",
        false => kinds[rng.usize(..kinds.len())],
    };
    let mut asked = json!({ "event": kind });
    match kind {
        "click" => {
            let filter = (rng.u8(0..4) == 0).then(|| filter(rng, 2));
            if let Some(filter) = &filter {
                asked["filter"] = filter.json.clone();
            }
            let means: Means = Box::new(move |event, _| match event {
                Happened::Click(click) => {
                    filter.as_ref().is_none_or(|filter| (filter.holds)(click))
                }
                _ => false,
            });
            (means, asked)
        }
        "page" | "event" => {
            let name = match kind {
                "page" => Some("page"),
                _ => [None, Some("share"), Some("trial")][rng.usize(..3)],
            };
            if let (Some(name), "event") = (name, kind) {
                asked["name"] = json!(name);
            }
            let path = (rng.u8(0..3) == 0).then_some("/pricing");
            if let Some(path) = path {
                asked["filter"] = json!({ "dimension": "page_path", "is": path });
            }
            let means: Means = Box::new(move |event, _| match event {
                Happened::Page(page) => {
                    name.is_none_or(|name| page.name == name)
                        && path.is_none_or(|path| page.page_path == path)
                }
                _ => false,
            });
            (means, asked)
        }
        _ => {
            let worth = (rng.u8(0..8) == 0).then(|| rng.i64(0..1_000_000_000_000_000));
            if let Some(worth) = worth {
                asked["min_amount_minor"] = json!(worth);
                asked["currency"] = json!("EUR");
            }
            let filter = (rng.u8(0..6) == 0).then(|| filter(rng, 2));
            if let Some(filter) = &filter {
                asked["filter"] = filter.json.clone();
            }
            let means: Means = Box::new(move |event, click| match event {
                Happened::Conversion(conversion) => {
                    let is_kind = match conversion.kind {
                        LEAD => kind != "sale",
                        SALE => kind != "lead",
                        _ => false,
                    };
                    let is_worth = worth.is_none_or(|worth| {
                        conversion.currency == "EUR" && conversion.amount_minor >= worth
                    });
                    let is_led = filter
                        .as_ref()
                        .is_none_or(|filter| click.is_some_and(|click| (filter.holds)(click)));
                    is_kind && is_worth && is_led
                }
                _ => false,
            });
            (means, asked)
        }
    }
}

/// The page events that stand: of those with one id in one hour the first that was received.
fn pages(world: &World) -> Vec<&PageEvent> {
    let mut by_id: BTreeMap<(i64, u128), &PageEvent> = BTreeMap::new();
    for page in &world.pages {
        let place = (page.occurred_at.div_euclid(HOUR), page.event_id);
        let kept = by_id.entry(place).or_insert(page);
        if page.received_at < kept.received_at {
            *kept = page;
        }
    }
    by_id.into_values().collect()
}

fn expected(funnel: &Funnel, world: &World, now: i64) -> Value {
    let mut people: BTreeMap<Person, Vec<Event>> = BTreeMap::new();
    for (person, event) in events(funnel, world) {
        people.entry(person).or_default().push(event);
    }
    let mut ways = Vec::new();
    for events in people.values_mut() {
        events.sort_by(|one, other| (one.at, &one.place).cmp(&(other.at, &other.place)));
        if let Some(way) = way(funnel, events, now) {
            ways.push((events.clone(), way));
        }
    }
    let all: Vec<&(Vec<Event>, Way)> = ways.iter().collect();
    let totals = rows(funnel, &all, &json!({}));
    let (found, groups) = groups(funnel, world, &all);
    json!({ "totals": totals, "rows": found, "groups": groups })
}

/// Every event that any step or exclusion means, with its person.
fn events(funnel: &Funnel, world: &World) -> Vec<(Person, Event)> {
    let standing = standing(world);
    let counts = |click: &Click| click.outcome == 1 && (funnel.all_traffic || click.is_a_persons());
    let find = |id: u128, at: i64| {
        let mut clicks = world.clicks.iter().filter(|click| counts(click));
        clicks.find(|click| id != 0 && click.click_id == id && click.time <= at)
    };
    let clicks = world.clicks.iter().filter(|click| counts(click));
    let mut all: Vec<(Happened<'_>, Option<&Click>)> = clicks
        .map(|click| (Happened::Click(click), Some(click)))
        .collect();
    for page in pages(world) {
        all.push((Happened::Page(page), find(page.click_id, page.occurred_at)));
    }
    for conversion in &standing {
        let click = owed_to(conversion, &standing);
        let click = click.and_then(|id| find(id, conversion.occurred_at));
        all.push((Happened::Conversion(conversion), click));
    }
    let told = |(event, click): (Happened<'_>, Option<&Click>)| {
        let (at, place) = match event {
            Happened::Click(click) => (click.time, (0, click.click_id, String::new())),
            Happened::Page(page) => (page.occurred_at, (1, page.event_id, String::new())),
            Happened::Conversion(one) => {
                let rank = if one.kind == LEAD { 2 } else { 3 };
                (one.occurred_at, (rank, 0, one.event_id.clone()))
            }
        };
        let person = match event {
            Happened::Click(click) => people::of_click(click, world),
            Happened::Page(page) => people::of_page(page, world),
            Happened::Conversion(conversion) => people::of_conversion(conversion, world),
        };
        let worth = match event {
            Happened::Conversion(sale) if sale.kind == SALE && !sale.currency.is_empty() => {
                let net = sale.amount_minor - refunded(sale, &standing);
                Some((sale.currency.clone(), net))
            }
            _ => None,
        };
        let values = match (funnel.by, click) {
            (Some((_, values_of)), Some(click)) => values_of(click),
            _ => vec![String::new()],
        };
        let excluded = funnel.exclude.iter();
        let event_told = Event {
            at,
            place,
            serves: funnel.steps.iter().map(|step| step(event, click)).collect(),
            excluded: excluded.map(|(means, _)| means(event, click)).collect(),
            values,
            worth,
        };
        (person, event_told)
    };
    all.into_iter().map(told).collect()
}

/// How far a person got with these events, which are in their order.
fn way(funnel: &Funnel, events: &[Event], now: i64) -> Option<Way> {
    let can_enter = |event: &&Event| {
        let serves = match funnel.order {
            "any" => event.serves.contains(&true),
            _ => event.serves[0],
        };
        serves && (funnel.from..funnel.to).contains(&event.at)
    };
    let entry = events.iter().position(|event| can_enter(&event))?;
    let count = funnel.steps.len();
    if funnel.order == "any" {
        return Some(in_any(funnel, events, entry, now));
    }
    let taken = longest(funnel, events, vec![entry]);
    // Whether one more event, behind all others, would take the next step.
    let open = taken.len() < count && {
        let mut more = events.to_vec();
        let mut serves = vec![false; count];
        serves[taken.len()] = true;
        more.push(Event {
            at: now,
            place: (0, 0, String::new()),
            serves,
            excluded: vec![false; funnel.exclude.len()],
            values: Vec::new(),
            worth: None,
        });
        longest(funnel, &more, vec![entry]).len() > taken.len()
    };
    Some(Way { taken, open })
}

/// The longest way that begins like this; of several the one whose events come first.
fn longest(funnel: &Funnel, events: &[Event], taken: Vec<usize>) -> Vec<usize> {
    let step = taken.len();
    let mut best = taken.clone();
    if step == funnel.steps.len() {
        return best;
    }
    let (entry, before) = (taken[0], taken[step - 1]);
    for next in before + 1..events.len() {
        let event = &events[next];
        let in_time = event.at - events[entry].at <= funnel.window
            && funnel.within[step].is_none_or(|within| event.at - events[before].at <= within);
        if !event.serves[step] || !in_time {
            continue;
        }
        let is_barred = events[before + 1..next].iter().any(|other| {
            let mut excluded = funnel.exclude.iter().zip(&other.excluded);
            let is_excluded = excluded.any(|((_, (first, last)), is)| {
                // Between step `step` and `step + 1`, counted from 1.
                *is && *first <= step && step < *last
            });
            let is_strange =
                funnel.order == "strict" && other.serves.contains(&true) && !other.serves[step - 1];
            is_excluded || is_strange
        });
        if is_barred {
            continue;
        }
        let mut further = taken.clone();
        further.push(next);
        let found = longest(funnel, events, further);
        if found.len() > best.len() {
            best = found;
        }
        if best.len() == funnel.steps.len() {
            break;
        }
    }
    best
}

/// Steps in any order: how many can be served by different events up to each, by Hall's theorem.
fn in_any(funnel: &Funnel, events: &[Event], entry: usize, now: i64) -> Way {
    let count = funnel.steps.len();
    let last = events[entry].at + funnel.window;
    let served = |until: usize| {
        let some = &events[entry..=until];
        let spare = |steps: usize| {
            let neighbours = some.iter().filter(|event| {
                (0..count).any(|step| steps >> step & 1 == 1 && event.serves[step])
            });
            count - steps.count_ones() as usize + neighbours.count()
        };
        (0..1 << count).map(spare).min().unwrap()
    };
    let mut taken = Vec::new();
    for (next, event) in events.iter().enumerate().skip(entry) {
        if event.at <= last && served(next) > taken.len() {
            taken.push(next);
        }
    }
    let open = taken.len() < count && now <= last;
    Way { taken, open }
}

/// The groups of people, and how many there are.
fn groups(funnel: &Funnel, world: &World, all: &[&(Vec<Event>, Way)]) -> (Value, usize) {
    let zone = TimeZone::get(world.zone).unwrap();
    if funnel.by.is_none() && funnel.interval.is_none() {
        return (rows(funnel, all, &json!({})), 1);
    }
    let entry = |one: &(Vec<Event>, Way)| one.0[one.1.taken[0]].clone();
    let mut times = vec![None];
    if let Some(interval) = funnel.interval {
        let minutes = (funnel.from..funnel.to).step_by(MINUTE as usize);
        let mut labels: Vec<String> = minutes.map(|at| label(at, &zone, interval)).collect();
        labels.push(label(funnel.to - 1, &zone, interval));
        labels.dedup();
        times = labels.into_iter().map(Some).collect();
    }
    let mut values: BTreeSet<String> = BTreeSet::new();
    for one in all {
        values.extend(entry(one).values);
    }
    let has = |one: &(Vec<Event>, Way), value: &String| entry(one).values.contains(value);
    let mut values: Vec<String> = values.into_iter().collect();
    values.sort_by_key(|value| Reverse(all.iter().filter(|one| has(one, value)).count()));
    let count = match funnel.by {
        Some(_) => values.len(),
        None => times.len(),
    };
    values.truncate(funnel.limit);
    if funnel.by.is_none() {
        values = vec![String::new()];
    }
    let mut found = Vec::new();
    for time in &times {
        for value in &values {
            let is_in = |one: &&&(Vec<Event>, Way)| {
                let in_time = match (time, funnel.interval) {
                    (Some(time), Some(interval)) => &label(entry(one).at, &zone, interval) == time,
                    _ => true,
                };
                in_time && has(one, value)
            };
            let some: Vec<_> = all.iter().filter(is_in).copied().collect();
            if some.is_empty() && funnel.by.is_some() {
                continue;
            }
            let mut group = json!({});
            if let Some(time) = time {
                group["time"] = json!(time);
            }
            if let Some((name, _)) = funnel.by {
                group[name] = json!(value);
            }
            found.extend(rows(funnel, &some, &group).as_array().unwrap().clone());
        }
    }
    (json!(found), count)
}

/// The steps of some people.
fn rows(funnel: &Funnel, people: &[&(Vec<Event>, Way)], group: &Value) -> Value {
    let count = |step: usize| {
        people
            .iter()
            .filter(|(_, way)| way.taken.len() > step)
            .count()
    };
    let rate = |part: usize, whole: usize| match whole {
        0 => Value::Null,
        whole => json!(part as f64 / whole as f64),
    };
    let one = |step: usize| {
        let took: Vec<_> = people
            .iter()
            .filter(|(_, way)| way.taken.len() > step)
            .collect();
        let waits = |from: usize| {
            let wait = |(events, way): &(Vec<Event>, Way)| {
                events[way.taken[step]].at - events[way.taken[from]].at
            };
            let mut waits: Vec<i64> = took.iter().map(|one| wait(one)).collect();
            waits.sort_unstable();
            let quantile = |tenths: usize| {
                // The smallest that so many are not above.
                let enough = |at: &&i64| {
                    10 * waits.iter().filter(|wait| wait <= at).count() >= tenths * waits.len()
                };
                let found = waits.iter().find(enough).filter(|_| step > 0);
                json!(found.map(|ms| *ms as f64 / 1000.0))
            };
            json!({ "p50": quantile(5), "p90": quantile(9) })
        };
        let mut revenue: BTreeMap<&str, i64> = BTreeMap::new();
        for (events, way) in &took {
            if let Some((currency, minor)) = &events[way.taken[step]].worth {
                *revenue.entry(currency).or_default() += minor;
            }
        }
        let revenue: Vec<Value> = revenue
            .into_iter()
            .map(|(currency, minor)| json!({ "currency": currency, "amount_minor": minor }))
            .collect();
        let open = people
            .iter()
            .filter(|(_, way)| way.open && way.taken.len() == step);
        let mut row = json!({
            "step": step + 1,
            "people": took.len(),
            "rate_from_last": if step == 0 { Value::Null } else { rate(took.len(), count(step - 1)) },
            "rate_from_first": if step == 0 { Value::Null } else { rate(took.len(), count(0)) },
            "open": open.count(),
            "time_from_last": waits(step.saturating_sub(1)),
            "time_from_first": waits(0),
            "revenue": revenue,
        });
        for (name, value) in group.as_object().unwrap() {
            row[name] = value.clone();
        }
        row
    };
    (0..funnel.steps.len()).map(one).collect()
}
