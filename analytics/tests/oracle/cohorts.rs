//! Cohorts against people who are followed one by one, and against the calendar on the wall.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use whence_core::id::LinkId;

use super::people::{Person, of_click, of_conversion, of_page};
use super::query::filter;
use super::reference::{Asked, attributed, refunded, standing};
use super::stream::{DAY, HOUR, World, range};
use crate::events::{Click, Conversion, LEAD, PageEvent, SALE};
use crate::support::Service;

/// Something that somebody did.
enum Did<'w> {
    Click(&'w Click),
    /// With what it was worth, and the click that it is owed to.
    Conversion(&'w Conversion, i128, Option<&'w Click>),
    Page(&'w PageEvent),
}

impl Did<'_> {
    fn at(&self) -> i64 {
        match self {
            Self::Click(click) => click.time,
            Self::Conversion(conversion, ..) => conversion.occurred_at,
            Self::Page(page) => page.occurred_at,
        }
    }
}

/// Everything that counts in a world, by person.
fn lives<'w>(
    world: &'w World,
    all_traffic: bool,
    kinds: &[&str],
) -> BTreeMap<Person, Vec<Did<'w>>> {
    let mut lives: BTreeMap<Person, Vec<Did<'w>>> = BTreeMap::new();
    for click in &world.clicks {
        if click.outcome == 1 && (all_traffic || click.is_a_persons()) {
            let life = lives.entry(of_click(click, world)).or_default();
            life.push(Did::Click(click));
        }
    }
    for page in &world.pages {
        let life = lives.entry(of_page(page, world)).or_default();
        life.push(Did::Page(page));
    }
    let asked = Asked {
        from: 0,
        to: i64::MAX,
        all_traffic,
        channel: None,
        source: None,
        link: None,
    };
    let standing = standing(world);
    for (conversion, click) in attributed(&asked, world) {
        let (kind, worth) = match conversion.kind {
            SALE => (
                "sale",
                conversion.amount_minor - refunded(conversion, &standing),
            ),
            LEAD => ("lead", 0),
            _ => continue,
        };
        if kinds.contains(&kind) {
            let life = lives.entry(of_conversion(conversion, world)).or_default();
            life.push(Did::Conversion(conversion, worth.into(), click.ok()));
        }
    }
    lives
}

/// The first day of the interval in which an instant lies, and that so many intervals later.
fn first_day(ms: i64, zone: &TimeZone, interval: &str, later: i32) -> Date {
    let day = Timestamp::from_millisecond(ms)
        .unwrap()
        .to_zoned(zone.clone())
        .date();
    match interval {
        "day" => day + later.days(),
        "week" => day - i32::from(day.weekday().to_monday_zero_offset()).days() + later.weeks(),
        _ => day.first_of_month() + later.months(),
    }
}

/// What is known of the people of a cohort who came by one value.
#[derive(Default)]
struct Cohort {
    people: usize,
    active: BTreeMap<Date, BTreeSet<Person>>,
    bought: Vec<(Date, String, i128)>,
}

/// Compares one answer.
pub(super) async fn one(service: &Service, key: &str, world: &World) {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed + 5_000_000);
    let zone = TimeZone::get(world.zone).unwrap();
    let spread = [2 * HOUR, 2 * DAY, 25 * DAY][rng.usize(..3)];
    let (from, to) = range(world, &mut rng, spread);
    let (all_traffic, by_click) = (rng.bool(), rng.bool());
    let kinds: &[&str] = [&["sale"][..], &["lead"], &["sale", "lead"]][rng.usize(..3)];
    let by = ["channel", "source", "link", ""][rng.usize(..4)];
    let interval = ["day", "week", "month"][rng.usize(..3)];
    let active = ["any", "click", "conversion", "page"][rng.usize(..4)];
    let filter = (rng.u8(0..3) == 0).then(|| filter(&mut rng, 0));
    let (periods, limit) = (rng.i32(0..8), [1, 100][rng.usize(..2)]);
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
    let mut body = json!({
        "from": instant(from), "to": instant(to), "kinds": kinds, "interval": interval, "active": active,
        "traffic": if all_traffic { "all" } else { "human" }, "periods": periods, "limit": limit,
        "acquisition": if by_click { "click" } else { "conversion" },
    });
    if let Some(filter) = &filter {
        body["filter"] = filter.json.clone();
    }
    if !by.is_empty() {
        body["by"] = json!(by);
    }
    let got = service
        .ask(key, "POST", "/api/v1/cohorts", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let got: Value = got.json();
    let now: Timestamp = got["as_of"].as_str().unwrap().parse().unwrap();

    let value_of = |click: Option<&Click>| match (click, by) {
        (None, _) => String::new(),
        (Some(click), "channel") => click.channel.clone(),
        (Some(click), "source") => click.source.clone(),
        (Some(click), "link") => LinkId(click.link_id).to_string(),
        _ => String::new(),
    };
    let mut cohorts: BTreeMap<(String, Date), Cohort> = BTreeMap::new();
    for (person, life) in lives(world, all_traffic, kinds) {
        let came = life
            .iter()
            .filter_map(|did| match did {
                Did::Click(click) if by_click => {
                    Some((click.time, click.click_id, "", Some(*click)))
                }
                Did::Conversion(conversion, _, click) if !by_click => {
                    Some((conversion.occurred_at, 0, &*conversion.event_id, *click))
                }
                _ => None,
            })
            .min_by_key(|(at, id, event_id, _)| (*at, *id, *event_id));
        let Some((came, .., click)) = came else {
            continue;
        };
        let passes = match (&filter, click) {
            (None, _) => true,
            (Some(filter), Some(click)) => (filter.holds)(click),
            (Some(_), None) => false,
        };
        if !(from..to).contains(&came) || !passes {
            continue;
        }
        let day = |ms: i64| first_day(ms, &zone, interval, 0);
        let cohort = cohorts.entry((value_of(click), day(came))).or_default();
        cohort.people += 1;
        for did in life.iter().filter(|did| did.at() >= came) {
            let name = match did {
                Did::Click(_) => "click",
                Did::Page(_) => "page",
                Did::Conversion(conversion, worth, _) => {
                    let currency = conversion.currency.clone();
                    cohort.bought.push((day(did.at()), currency, *worth));
                    "conversion"
                }
            };
            if active == "any" || active == name {
                let seen = cohort.active.entry(day(did.at())).or_default();
                seen.insert(person.clone());
            }
        }
    }
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for ((value, _), cohort) in &cohorts {
        *sizes.entry(value).or_default() += cohort.people;
    }
    let mut values: Vec<&str> = sizes.keys().copied().collect();
    values.sort_by_key(|value| (Reverse(sizes[value]), *value));
    assert_eq!(got["groups"], values.len(), "{body} in {}", world.workspace);
    values.truncate(limit);

    let ms = |day: Date| day.to_zoned(zone.clone()).unwrap().timestamp();
    let mut expected = Vec::new();
    for value in &values {
        for ((_, day), cohort) in cohorts.iter().filter(|((of, _), _)| of == value) {
            let mut lifetime: BTreeMap<&str, i128> = BTreeMap::new();
            for period in 0..=periods {
                let at = ms(*day).as_millisecond();
                let (start, next) = (
                    first_day(at, &zone, interval, period),
                    first_day(at, &zone, interval, period + 1),
                );
                if ms(start) >= now {
                    break;
                }
                let is_open = ms(next) > now;
                let bought = cohort.bought.iter().filter(|(when, ..)| *when == start);
                let mut revenue: BTreeMap<&str, i128> = BTreeMap::new();
                for (_, currency, worth) in bought.clone() {
                    for sums in [&mut revenue, &mut lifetime] {
                        *sums.entry(currency).or_default() += worth;
                    }
                }
                for sums in [&mut revenue, &mut lifetime] {
                    sums.retain(|currency, worth| !currency.is_empty() && *worth != 0);
                }
                let active = cohort.active.get(&start).map_or(0, BTreeSet::len);
                let people = cohort.people;
                let each = |(currency, minor): (&&str, &i128)| json!({"currency": currency, "amount_minor": *minor as f64 / people as f64});
                let mut row = json!({
                    "cohort": day.to_string(), "period": period, "period_from": start.to_string(), "open": is_open,
                    "people": people, "active_people": active,
                    "retention": (!is_open).then(|| active as f64 / people as f64),
                    "conversions": bought.count(), "revenue": shown(&revenue), "lifetime_revenue": shown(&lifetime),
                    "lifetime_value": (!is_open).then(|| lifetime.iter().map(each).collect::<Vec<_>>()),
                });
                if !by.is_empty() {
                    row[by] = json!(value);
                }
                expected.push(row);
            }
        }
    }
    let mut rows = got["rows"].clone();
    for row in rows.as_array_mut().unwrap() {
        for name in ["cohort", "period_from"] {
            let at: Timestamp = row[name].as_str().unwrap().parse().unwrap();
            let zoned = at.to_zoned(zone.clone());
            assert_eq!(zoned, zoned.start_of_day().unwrap());
            row[name] = json!(zoned.date().to_string());
        }
        if let Some(share) = row["retention"].get("value").cloned() {
            row["retention"] = share;
        }
    }
    // Written and read once, as what came over HTTP was, so that a share is rounded alike.
    let expected: Value = serde_json::from_str(&json!(expected).to_string()).unwrap();
    assert_eq!(rows, expected, "{body} in {}", world.workspace);
    curve(&got, by);
}

fn shown(sums: &BTreeMap<&str, i128>) -> Vec<Value> {
    let sums = sums.iter();
    sums.map(|(currency, minor)| json!({"currency": currency, "amount_minor": i64::try_from(*minor).unwrap()}))
        .collect()
}

/// The curve is the sum of the rows whose period is over.
fn curve(got: &Value, by: &str) {
    let mut sums: BTreeMap<(String, u64), [u64; 4]> = BTreeMap::new();
    let count = |row: &Value, name: &str| row[name].as_u64().unwrap();
    let key = |row: &Value| (row[by].to_string(), count(row, "period"));
    for row in got["rows"].as_array().unwrap() {
        if row["open"] == false {
            let sum = sums.entry(key(row)).or_default();
            sum[0] += 1;
            for (sum, name) in sum[1..]
                .iter_mut()
                .zip(["people", "active_people", "conversions"])
            {
                *sum += count(row, name);
            }
        }
    }
    let points = got["curve"].as_array().unwrap().iter();
    let found: BTreeMap<(String, u64), [u64; 4]> = points
        .map(|row| {
            let names = ["cohorts", "people", "active_people", "conversions"];
            (key(row), names.map(|name| count(row, name)))
        })
        .collect();
    assert_eq!(found, sums);
}

/// A customer, followed from the first conversion on.
struct Customer {
    is_referred: bool,
    /// What each conversion of the window was worth.
    bought: Vec<(String, i128)>,
}

/// Compares customers who came through a link with the others; answers how many there were.
pub(super) async fn referred(service: &Service, key: &str, world: &World) -> u64 {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed + 6_000_000);
    let spread = [2 * DAY, 25 * DAY, 60 * DAY][rng.usize(..3)];
    let (from, to) = range(world, &mut rng, spread);
    let (days, all_traffic) = ([1, 30, 90][rng.usize(..3)], rng.bool());
    let kinds: &[&str] = [&["sale"][..], &["lead"], &["sale", "lead"]][rng.usize(..3)];
    let filter = (rng.u8(0..3) == 0).then(|| filter(&mut rng, 0));
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
    let mut body = json!({
        "from": instant(from), "to": instant(to), "kinds": kinds, "window": format!("{days}d"),
        "traffic": if all_traffic { "all" } else { "human" },
    });
    if let Some(filter) = &filter {
        body["filter"] = filter.json.clone();
    }
    let got = service
        .ask(key, "POST", "/api/v1/cohorts/referred", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let got: Value = got.json();
    let now: Timestamp = got["as_of"].as_str().unwrap().parse().unwrap();

    let mut customers: Vec<Customer> = Vec::new();
    let mut open = [0, 0];
    for (_, life) in lives(world, all_traffic, kinds) {
        let mut bought: Vec<(&Conversion, i128, Option<&Click>)> = Vec::new();
        for did in life {
            if let Did::Conversion(conversion, worth, click) = did {
                bought.push((conversion, worth, click));
            }
        }
        bought.sort_by_key(|(conversion, ..)| (conversion.occurred_at, &conversion.event_id));
        let Some((first, _, click)) = bought.first() else {
            continue;
        };
        let passes = |click: &Click| filter.as_ref().is_none_or(|filter| (filter.holds)(click));
        let is_referred = click.is_some_and(passes);
        let until = first.occurred_at + days * DAY;
        if !(from..to).contains(&first.occurred_at) {
            continue;
        }
        if until > now.as_millisecond() {
            open[usize::from(is_referred)] += 1;
            continue;
        }
        bought.retain(|(conversion, ..)| conversion.occurred_at <= until);
        let worths = bought.iter();
        customers.push(Customer {
            is_referred,
            bought: worths
                .map(|(conversion, worth, _)| (conversion.currency.clone(), *worth))
                .collect(),
        });
    }
    for (row, (group, is_referred)) in ["referred", "not_referred"]
        .into_iter()
        .zip([true, false])
        .enumerate()
    {
        let theirs: Vec<&Customer> = customers
            .iter()
            .filter(|customer| customer.is_referred == is_referred)
            .collect();
        let repeated = theirs.iter().filter(|one| one.bought.len() > 1).count();
        let conversions: usize = theirs.iter().map(|one| one.bought.len()).sum();
        let mut revenue: BTreeMap<&str, i128> = BTreeMap::new();
        for (currency, worth) in theirs.iter().flat_map(|one| &one.bought) {
            *revenue.entry(currency).or_default() += worth;
        }
        revenue.retain(|currency, worth| !currency.is_empty() && *worth != 0);
        let row = &got["rows"][row];
        let what = format!("{group} of {body} in {}: {row}", world.workspace);
        assert_eq!(row["group"], group, "{what}");
        assert_eq!(row["customers"], theirs.len(), "{what}");
        assert_eq!(row["open"], open[usize::from(is_referred)], "{what}");
        assert_eq!(row["repeated"], repeated, "{what}");
        assert_eq!(row["conversions"], conversions, "{what}");
        assert_eq!(row["revenue"], json!(shown(&revenue)), "{what}");
    }
    means(&got["difference"], &customers);
    customers.len() as u64
}

/// The differences of means lie in their intervals, which are as wide as the values by themselves say.
fn means(difference: &Value, customers: &[Customer]) {
    for told in difference["lifetime_value"].as_array().unwrap() {
        let currency = told["currency"].as_str().unwrap();
        let values = |is_referred: bool| -> Vec<f64> {
            let theirs = customers
                .iter()
                .filter(|one| one.is_referred == is_referred);
            let each = theirs.map(|one| {
                let own = one.bought.iter().filter(|(of, _)| of == currency);
                own.map(|(_, worth)| *worth as f64).sum()
            });
            each.collect()
        };
        let (a, b) = (values(true), values(false));
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        // Of the mean, by way of the distances from it.
        let variance = |of: &[f64]| {
            let mean = mean(of);
            let squares: f64 = of.iter().map(|value| (value - mean).powi(2)).sum();
            squares / (of.len() - 1) as f64 / of.len() as f64
        };
        if a.is_empty() || b.is_empty() {
            assert_eq!(told["value"], Value::Null);
            continue;
        }
        let value = told["value"].as_f64().unwrap();
        let scale = mean(&a).abs() + mean(&b).abs();
        assert!((value - (mean(&a) - mean(&b))).abs() <= scale * 1e-9);
        let (Some(low), Some(high)) = (told["low"].as_f64(), told["high"].as_f64()) else {
            let both = a.len() > 1 && b.len() > 1;
            assert!(!both || variance(&a) + variance(&b) <= scale * scale * 1e-12);
            continue;
        };
        let half = (variance(&a) + variance(&b)).sqrt();
        // Student's 97.5 % quantile is between the normal one and that of one degree of freedom.
        assert!((value - low - (high - value)).abs() <= half * 1e-6 + scale * 1e-9);
        assert!(
            (1.959 * half..=12.707 * half).contains(&(value - low)),
            "{told}"
        );
    }
}
