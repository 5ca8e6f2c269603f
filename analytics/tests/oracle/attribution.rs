//! Attribution against touches that are looked for one by one, and credit that is divided by hand.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use whence_analytics::attribution::{MICRO, Model, Path, Paths, attribute};
use whence_core::id::LinkId;

use super::reference::{refunded, standing};
use super::stream::{DAY, HOUR, World, range};
use crate::events::{Click, Conversion, LEAD, SALE};
use crate::support::Service;

/// Conversions in millionths, and revenue by currency.
type Earned = (i128, BTreeMap<String, i128>);

/// A conversion of the range, with what it was worth and its touches.
type Told<'w> = (&'w Conversion, i128, Vec<&'w Click>);

/// What touches are called by.
#[derive(Clone, Copy, Debug)]
struct By(&'static str);

impl By {
    /// What a touch is called.
    fn label(self, click: &Click) -> String {
        match self.0 {
            "channel" => click.channel.clone(),
            "source" => click.source.clone(),
            "advocate" => click.advocate.clone(),
            "link" => LinkId(click.link_id).to_string(),
            other => unreachable!("{other} is not asked for"),
        }
    }

    /// In which order touches of one millisecond come where nobody converted: links by their numbers.
    fn order(self, click: &Click) -> (u64, String) {
        match self.0 {
            "link" => (click.link_id, String::new()),
            _ => (0, self.label(click)),
        }
    }
}

/// Compares one attribution under several models; answers how many.
pub(super) async fn one(service: &Service, key: &str, world: &World, round: u64) -> usize {
    let seed: u64 = world.workspace[1..].parse().unwrap();
    let mut rng = Rng::with_seed(seed * 2 + round + 3_000_000);
    let spread = [2 * HOUR, 2 * DAY, 25 * DAY][rng.usize(..3)];
    let (from, to) = range(world, &mut rng, spread);
    let days = [1, 7, 90, 365][rng.usize(..4)];
    let by = By(["channel", "channel", "source", "advocate", "link"][rng.usize(..5)]);
    let all_traffic = rng.bool();
    let kinds: &[&str] = [&["sale"][..], &["lead"], &["sale", "lead"]][rng.usize(..3)];
    let models = [
        "first",
        "last",
        "last_non_direct",
        "linear",
        "position:30:50",
        "time_decay:7",
        "shapley",
        "markov:2",
    ];
    let instant = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_string();
    let body = json!({
        "from": instant(from), "to": instant(to), "look_back": format!("{days}d"), "kinds": kinds,
        "traffic": if all_traffic { "all" } else { "human" }, "models": models, "by": by.0,
    });
    let got = service
        .ask(key, "POST", "/api/v1/attribution", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let got: Value = got.json();

    let standing = standing(world);
    let is_asked = |conversion: &&&Conversion| {
        let kind = match conversion.kind {
            SALE => "sale",
            LEAD => "lead",
            _ => return false,
        };
        kinds.contains(&kind) && (from..to).contains(&conversion.occurred_at)
    };
    let counts = |click: &Click| click.outcome == 1 && (all_traffic || click.is_a_persons());
    let mut told: Vec<Told<'_>> = standing
        .iter()
        .filter(is_asked)
        .map(|conversion| {
            let touches = touches(conversion, &standing, world);
            let near = |click: &&Click| {
                counts(click)
                    && click.time <= conversion.occurred_at
                    && conversion.occurred_at - click.time <= days * DAY
            };
            let worth = match conversion.kind {
                SALE => conversion.amount_minor - refunded(conversion, &standing),
                _ => 0,
            };
            (
                *conversion,
                worth.into(),
                touches.into_iter().filter(near).collect(),
            )
        })
        .collect();
    told.sort_by_key(|(conversion, ..)| conversion.event_id.clone());
    for (name, answer) in models.iter().zip(got["models"].as_array().unwrap()) {
        let expected = match name.parse::<Model>().unwrap() {
            Model::Markov { .. } => continue,
            model => by_hand(model, &told, by),
        };
        assert_eq!(answer["model"], *name);
        let mut found: BTreeMap<Option<String>, Value> = BTreeMap::new();
        for row in answer["rows"].as_array().unwrap() {
            found.insert(Some(row[by.0].as_str().unwrap().into()), row.clone());
        }
        found.insert(None, answer["unattributed"].clone());
        let empty = Earned::default();
        let labels: BTreeSet<_> = found.keys().chain(expected.keys()).cloned().collect();
        for label in labels {
            let wanted = expected.get(&label).unwrap_or(&empty);
            let row = found
                .get(&label)
                .cloned()
                .unwrap_or_else(|| json!({"conversions": 0.0, "revenue": []}));
            let what = format!("{name} gives {label:?} in {}: {body}", world.workspace);
            close(
                row["conversions"].as_f64().unwrap() * MICRO as f64,
                wanted.0,
                &what,
            );
            for currency in ["EUR", "USD", "JPY"] {
                let sums = row["revenue"].as_array().unwrap();
                let sum = sums.iter().find(|sum| sum["currency"] == currency);
                let sum = sum.map_or(0, |sum| sum["amount_minor"].as_i64().unwrap());
                let wanted = wanted.1.get(currency).copied().unwrap_or(0);
                close(sum as f64, wanted, &format!("{currency}: {what}"));
            }
        }
    }
    let of_range = world
        .clicks
        .iter()
        .filter(|click| counts(click) && (from..to).contains(&click.time));
    let others = others(of_range, &standing, world, by);
    markov(&got, &told, &others, by, &body);
    sums(&got, &told, &body);
    1
}

/// Everything adds up to what there was, to the unit, under each model.
fn sums(got: &Value, told: &[Told<'_>], body: &Value) {
    let mut worth: BTreeMap<&str, i128> = BTreeMap::new();
    for (conversion, minor, _) in told {
        *worth.entry(&conversion.currency).or_default() += minor;
    }
    for model in got["models"].as_array().unwrap() {
        let rows = model["rows"]
            .as_array()
            .unwrap()
            .iter()
            .chain([&model["unattributed"]]);
        let mut conversions = 0.0;
        let mut found: BTreeMap<&str, i128> = BTreeMap::new();
        for row in rows {
            conversions += row["conversions"].as_f64().unwrap();
            for sum in row["revenue"].as_array().unwrap() {
                let minor = sum["amount_minor"].as_i64().unwrap();
                *found.entry(sum["currency"].as_str().unwrap()).or_default() += i128::from(minor);
            }
        }
        assert!(
            (conversions - told.len() as f64).abs() < 1e-6,
            "{body}: {model}"
        );
        for currency in ["EUR", "USD", "JPY"] {
            assert_eq!(
                found.get(currency).unwrap_or(&0),
                worth.get(currency).unwrap_or(&0),
                "{body}: {model}"
            );
        }
    }
}

/// What learns from all paths is run on the paths that were found by hand, those of visitors who never converted too.
fn markov(got: &Value, told: &[Told<'_>], others: &[Vec<&Click>], by: By, body: &Value) {
    let mut paths = Paths::default();
    let mut add = |touches: &[&Click], conversions, null| {
        let touches = touches
            .iter()
            .map(|click| paths.channel(&by.label(click)))
            .collect();
        paths.paths.push(Path {
            touches,
            conversions,
            value: 0,
            null,
        });
    };
    for (_, _, touches) in told {
        add(touches, 1, 0);
    }
    for touches in others {
        add(touches, 0, 1);
    }
    let credits = attribute(&paths, &[Model::Markov { order: 2 }]).unwrap();
    let models = got["models"].as_array().unwrap();
    let answer = models
        .iter()
        .find(|model| model["model"] == "markov:2")
        .unwrap();
    let rows = answer["rows"].as_array().unwrap();
    for (name, credit) in paths.channels().iter().zip(&credits[0].channels) {
        let row = rows.iter().find(|row| row[by.0] == name.as_str());
        let found = row.map_or(0.0, |row| row["conversions"].as_f64().unwrap());
        let what = format!("markov:2 gives {name}: {body}");
        close(found * MICRO as f64, credit.conversions, &what);
    }
}

/// The clicks of each visitor whom no conversion knows.
fn others<'w>(
    clicks: impl Iterator<Item = &'w Click>,
    standing: &[&'w Conversion],
    world: &'w World,
    by: By,
) -> Vec<Vec<&'w Click>> {
    let known: BTreeSet<u128> = standing
        .iter()
        .flat_map(|conversion| visitors(conversion, standing, world))
        .collect();
    let mut by_visitor: BTreeMap<u128, Vec<&Click>> = BTreeMap::new();
    for click in clicks.filter(|click| click.visitor_id != 0 && !known.contains(&click.visitor_id))
    {
        by_visitor.entry(click.visitor_id).or_default().push(click);
    }
    let mut all: Vec<_> = by_visitor.into_values().collect();
    for clicks in &mut all {
        clicks.sort_by_key(|click| (click.time, by.order(click)));
    }
    all
}

/// A unit more or less where two remainders are as good as equal.
fn close(found: f64, wanted: i128, what: &str) {
    let far = (found - wanted as f64).abs();
    assert!(
        far <= 60.0 + (wanted as f64).abs() * 1e-9,
        "{found} and not {wanted}: {what}"
    );
}

/// The conversions of a conversion's person.
fn own<'w>(of: &Conversion, standing: &[&'w Conversion]) -> Vec<&'w Conversion> {
    let is_own = |other: &&Conversion| match of.customer.as_str() {
        "" => other.event_id == of.event_id,
        customer => other.customer == customer,
    };
    standing.iter().copied().filter(is_own).collect()
}

/// The visitors that a conversion's person is known by.
fn visitors(of: &Conversion, standing: &[&Conversion], world: &World) -> BTreeSet<u128> {
    let mut visitors = BTreeSet::new();
    for one in own(of, standing) {
        visitors.insert(one.visitor_id);
        let clicks = world.clicks.iter();
        let carried = clicks.filter(|click| one.click_id != 0 && click.click_id == one.click_id);
        visitors.extend(carried.map(|click| click.visitor_id));
    }
    visitors.remove(&0);
    visitors
}

/// The clicks of a conversion's person, in their order.
pub(super) fn touches<'w>(
    of: &Conversion,
    standing: &[&'w Conversion],
    world: &'w World,
) -> Vec<&'w Click> {
    let visitors = visitors(of, standing, world);
    let carried: BTreeSet<u128> = own(of, standing).iter().map(|one| one.click_id).collect();
    let mut touches: Vec<&Click> = world
        .clicks
        .iter()
        .filter(|click| visitors.contains(&click.visitor_id) || carried.contains(&click.click_id))
        .collect();
    touches.sort_by_key(|click| (click.time, click.click_id));
    touches
}

/// What each label earned, and what nobody did.
fn by_hand(model: Model, told: &[Told<'_>], by: By) -> BTreeMap<Option<String>, Earned> {
    let mut earned: BTreeMap<Option<String>, Earned> = BTreeMap::new();
    for (conversion, worth, touches) in told {
        let mut give = |label: Option<String>, share: f64| {
            let sum = earned.entry(label).or_default();
            sum.0 += (share * MICRO as f64).round() as i128;
            let money = sum.1.entry(conversion.currency.clone()).or_default();
            *money += (share * *worth as f64).round() as i128;
        };
        let count = touches.len();
        if count == 0 {
            give(None, 1.0);
            continue;
        }
        let weights: Vec<f64> = match model {
            Model::First => (0..count).map(|at| f64::from(u8::from(at == 0))).collect(),
            Model::Last => (0..count)
                .map(|at| f64::from(u8::from(at + 1 == count)))
                .collect(),
            Model::LastNonDirect => {
                let led = touches
                    .iter()
                    .rposition(|click| by.label(click) != "Direct")
                    .unwrap_or(count - 1);
                (0..count)
                    .map(|at| f64::from(u8::from(at == led)))
                    .collect()
            }
            Model::Linear => vec![1.0; count],
            Model::Position { first, last } => (0..count)
                .map(|at| match (count, at) {
                    (1, _) => 1.0,
                    (_, 0) => first.into(),
                    (_, at) if at + 1 == count => last.into(),
                    _ => f64::from(100 - first - last) / (count - 2) as f64,
                })
                .collect(),
            Model::TimeDecay { half_life } => touches
                .iter()
                .map(|click| {
                    let days = (conversion.occurred_at - click.time) as f64 / DAY as f64;
                    0.5_f64.powf(days / half_life)
                })
                .collect(),
            Model::Shapley => touches
                .iter()
                .enumerate()
                .map(|(at, click)| {
                    let earlier = touches[..at]
                        .iter()
                        .any(|other| by.label(other) == by.label(click));
                    f64::from(u8::from(!earlier))
                })
                .collect(),
            Model::Markov { .. } => unreachable!("learns from all paths"),
        };
        let all: f64 = weights.iter().sum();
        for (click, weight) in touches.iter().zip(weights) {
            give(Some(by.label(click)), weight / all);
        }
    }
    earned
}
