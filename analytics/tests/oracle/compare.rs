//! Asks the service and the reference the same question, and wants the same answer.

use fastrand::Rng;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use url::form_urlencoded;
use whence_core::id::LinkId;

use super::reference::{self, Asked, KeysOf};
use super::stream::{DAY, HOUR, ODD_SOURCE, World};
use crate::support::Service;

/// Compares each report once; answers how many that were.
pub(super) async fn all(service: &Service, key: &str, world: &World, round: u64) -> usize {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed * 2 + round + 1_000_000);
    clicks(service, key, world, &mut rng).await;
    breakdown(service, key, world, &mut rng).await;
    2
}

async fn clicks(service: &Service, key: &str, world: &World, rng: &mut Rng) {
    let (asked, mut query) = question(world, rng);
    let span = asked.to - asked.from;
    let possible = ["minute", "hour", "day", "week", "month"];
    let least = usize::from(span > 6 * DAY);
    let interval = possible[rng.usize(least..possible.len())];
    query.push(("interval", interval.into()));
    let mut got = ask(service, key, "clicks", &query).await;
    let mut expected = reference::clicks(&asked, world, interval);
    // The service says where an interval begins; that must lie in the interval that is meant.
    let zone = TimeZone::get(world.zone).unwrap();
    for point in got["series"].as_array_mut().unwrap() {
        let time: Timestamp = point["time"].as_str().unwrap().parse().unwrap();
        *point = json!({
            "label": reference::label(time.as_millisecond(), &zone, interval),
            "clicks": point["clicks"], "visitors": point["visitors"],
        });
    }
    same(
        &mut got,
        &mut expected,
        &["series", "totals"],
        world,
        &query,
    );
}

async fn breakdown(service: &Service, key: &str, world: &World, rng: &mut Rng) {
    let (asked, mut query) = question(world, rng);
    let dimensions: [(&str, KeysOf); 8] = [
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
        ("verdict", |click| vec![reference::verdict(click).into()]),
    ];
    let (by, keys_of) = dimensions[rng.usize(..dimensions.len())];
    let limit = rng.usize(1..5);
    query.extend([("by", by.into()), ("limit", limit.to_string())]);
    let mut got = ask(service, key, "breakdown", &query).await;
    let mut expected = reference::breakdown(&asked, world, keys_of, limit);
    same(
        &mut got,
        &mut expected,
        &["rows", "keys", "totals", "unattributed"],
        world,
        &query,
    );
}

/// A random question, and the parameters that ask it.
fn question(world: &World, rng: &mut Rng) -> (Asked, Vec<(&'static str, String)>) {
    let zone = TimeZone::get(world.zone).unwrap();
    let spread = [2 * HOUR, 2 * DAY, 25 * DAY][rng.usize(..3)];
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
    let mut from = world.around - rng.i64(0..spread);
    let mut to = world.around + rng.i64(1..spread);
    let (from_text, to_text) = if rng.bool() {
        let day = |ms: i64| instant(ms).to_zoned(zone.clone()).date();
        let (first, last) = (day(from), day(to));
        let start = |day: jiff::civil::Date| {
            day.to_zoned(zone.clone())
                .unwrap()
                .timestamp()
                .as_millisecond()
        };
        (from, to) = (start(first), start(last.tomorrow().unwrap()));
        (first.to_string(), last.to_string())
    } else {
        // At the very milliseconds of two clicks, of which one is in and the other is not.
        if let (Some(one), Some(other)) = (rng.choice(&world.clicks), rng.choice(&world.clicks))
            && one.time != other.time
        {
            (from, to) = (one.time.min(other.time), one.time.max(other.time));
        }
        (instant(from).to_string(), instant(to).to_string())
    };
    let some = |rng: &mut Rng| rng.u8(0..4) == 0;
    let asked = Asked {
        from,
        to,
        all_traffic: rng.bool(),
        channel: some(rng).then(|| "Email".into()),
        source: some(rng).then(|| ODD_SOURCE.into()),
        link: some(rng).then_some(2),
    };
    let mut query = vec![("from", from_text), ("to", to_text)];
    if asked.all_traffic {
        query.push(("traffic", "all".into()));
    }
    query.extend(asked.channel.clone().map(|channel| ("channel", channel)));
    query.extend(asked.source.clone().map(|source| ("source", source)));
    query.extend(asked.link.map(|link| ("link", LinkId(link).to_string())));
    (asked, query)
}

async fn ask(service: &Service, key: &str, report: &str, query: &[(&str, String)]) -> Value {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    let path = format!("/api/v1/reports/{report}?{query}");
    let got = service.ask(key, "GET", &path, "").await;
    assert_eq!(got.status, 200, "{path}: {}", got.body);
    got.json()
}

#[track_caller]
fn same(
    got: &mut Value,
    expected: &mut Value,
    parts: &[&str],
    world: &World,
    query: &[(&str, String)],
) {
    for part in parts {
        // Written and read once, as what came over HTTP was, so that a rate is rounded alike.
        let expected: Value = serde_json::from_str(&expected[part].to_string()).unwrap();
        assert_eq!(
            got[part].take(),
            expected,
            "{part} of {} in {}, asked {query:?}",
            world.workspace,
            world.zone,
        );
    }
}
