//! What the reports must say, counted the slow way: one event after the other, in the words of the
//! definitions, with nothing shared with the service and no regard for time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::stream::World;
use crate::events::{BOT, CANCELLATION, Click, Conversion, DUPLICATE, HUMAN, LEAD, REFUND, SALE};

/// A verdict by its name.
pub(super) fn verdict(click: &Click) -> &'static str {
    match click.verdict {
        HUMAN => "human",
        BOT => "bot",
        DUPLICATE => "duplicate",
        other => panic!("{other}"),
    }
}

/// A question, as a test asks it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) all_traffic: bool,
    pub(super) channel: Option<String>,
    pub(super) source: Option<String>,
    pub(super) link: Option<u64>,
}

impl Asked {
    /// Whether a click counts at all, for anybody.
    fn counts(&self, click: &Click) -> bool {
        click.outcome == 1 && (self.all_traffic || click.is_a_persons())
    }

    /// Whether the report is about this click.
    fn selects(&self, click: &Click) -> bool {
        let is =
            |wanted: &Option<String>, found: &String| wanted.as_ref().is_none_or(|w| w == found);
        self.counts(click)
            && self.has(click.time)
            && is(&self.channel, &click.channel)
            && is(&self.source, &click.source)
            && self.link.is_none_or(|link| link == click.link_id)
    }

    fn has(&self, time: i64) -> bool {
        self.from <= time && time < self.to
    }
}

/// The conversions that stand: of those with one event id the first that was received.
pub(super) fn standing(world: &World) -> Vec<&Conversion> {
    let mut by_id: BTreeMap<&str, &Conversion> = BTreeMap::new();
    for conversion in &world.conversions {
        let kept = by_id.entry(&conversion.event_id).or_insert(conversion);
        if conversion.received_at < kept.received_at {
            *kept = conversion;
        }
    }
    by_id.into_values().collect()
}

/// The id of the click that a conversion is owed to.
pub(super) fn owed_to(conversion: &Conversion, standing: &[&Conversion]) -> Option<u128> {
    if conversion.click_id != 0 {
        return Some(conversion.click_id);
    }
    if conversion.customer.is_empty() {
        return None;
    }
    let with_click = standing
        .iter()
        .filter(|other| other.customer == conversion.customer && other.click_id != 0);
    let earliest = with_click.min_by_key(|other| (other.occurred_at, &other.event_id))?;
    (earliest.occurred_at <= conversion.occurred_at).then_some(earliest.click_id)
}

/// The reason of what takes a known sale back: it counts with the sale, and nowhere by itself.
const MATCHED: &str = "matched";

fn takes_back(conversion: &Conversion) -> bool {
    [REFUND, CANCELLATION].contains(&conversion.kind)
}

/// The sale that a refund or a cancellation takes back.
fn sale_of<'a>(back: &Conversion, standing: &[&'a Conversion]) -> Option<&'a Conversion> {
    let sale = standing
        .iter()
        .find(|other| other.kind == SALE && other.event_id == back.reference)?;
    (back.kind == CANCELLATION || back.currency == sale.currency).then_some(sale)
}

/// What was given back of a sale, or by a refund that has none.
pub(super) fn refunded(conversion: &Conversion, standing: &[&Conversion]) -> i64 {
    match conversion.kind {
        SALE => {
            let of_it: Vec<_> = standing
                .iter()
                .filter(|back| takes_back(back))
                .filter(|back| {
                    sale_of(back, standing).is_some_and(|sale| std::ptr::eq(sale, conversion))
                })
                .collect();
            let sum: i128 = of_it
                .iter()
                .map(|back| -i128::from(back.amount_minor))
                .sum();
            if of_it.iter().any(|back| back.kind == CANCELLATION) {
                conversion.amount_minor
            } else {
                sum.min(conversion.amount_minor.into()).try_into().unwrap()
            }
        }
        REFUND => -conversion.amount_minor,
        _ => 0,
    }
}

/// Each standing conversion with its click, or with the reason why it has none that counts.
pub(super) fn attributed<'a>(
    asked: &Asked,
    world: &'a World,
) -> Vec<(&'a Conversion, Result<&'a Click, &'static str>)> {
    let standing = standing(world);
    let click_of = |conversion: &Conversion| {
        if takes_back(conversion) {
            return Err(if sale_of(conversion, &standing).is_some() {
                MATCHED
            } else {
                "no_sale"
            });
        }
        let id = owed_to(conversion, &standing).ok_or("no_click")?;
        let click = world.clicks.iter().find(|click| click.click_id == id);
        let click = click.ok_or("unknown_click")?;
        if !asked.counts(click) {
            Err("excluded_click")
        } else if conversion.occurred_at < click.time {
            Err("before_click")
        } else {
            Ok(click)
        }
    };
    standing
        .iter()
        .map(|&conversion| (conversion, click_of(conversion)))
        .collect()
}

/// The points of a series, and its totals.
pub(super) fn clicks(asked: &Asked, world: &World, interval: &str) -> Value {
    let zone = TimeZone::get(world.zone).unwrap();
    let selected: Vec<&Click> = world
        .clicks
        .iter()
        .filter(|click| asked.selects(click))
        .collect();
    // Looks at the workspace's clock once a minute, from the beginning to the end.
    let mut labels: Vec<String> = Vec::new();
    let mut at = asked.from;
    while at < asked.to {
        let label = label(at, &zone, interval);
        if labels.last() != Some(&label) {
            labels.push(label);
        }
        at = (at.div_euclid(60_000) + 1) * 60_000;
    }
    let points: Vec<Value> = labels
        .iter()
        .map(|wanted| {
            let of = selected
                .iter()
                .filter(|click| &label(click.time, &zone, interval) == wanted);
            let (clicks, visitors) = count(&of.copied().collect::<Vec<_>>());
            json!({"label": wanted, "clicks": clicks, "visitors": visitors})
        })
        .collect();
    let (clicks, visitors) = count(&selected);
    json!({"series": points, "totals": {"clicks": clicks, "visitors": visitors}})
}

/// What tells an instant's interval from every other: what the clock shows, and for less than a day also
/// how the clock is set.
pub(super) fn label(ms: i64, zone: &TimeZone, interval: &str) -> String {
    let local: Zoned = Timestamp::from_millisecond(ms)
        .unwrap()
        .to_zoned(zone.clone());
    let format = match interval {
        "minute" => "%Y-%m-%d %H:%M %::z",
        "hour" => "%Y-%m-%d %H %::z",
        "day" => "%Y-%m-%d",
        "week" => "%G-W%V",
        "month" => "%Y-%m",
        "quarter" => return format!("{}-{}", local.year(), (local.month() - 1) / 3),
        "year" => "%Y",
        other => panic!("{other}"),
    };
    local.strftime(format).to_string()
}

fn count(clicks: &[&Click]) -> (usize, usize) {
    let visitors: BTreeSet<u128> = clicks
        .iter()
        .map(|click| click.visitor_id)
        .filter(|&v| v != 0)
        .collect();
    (clicks.len(), visitors.len())
}

/// Finds the keys under which a click is counted.
pub(super) type KeysOf = fn(&Click) -> Vec<String>;

/// The rows of a breakdown, its totals, and what belongs to no click.
pub(super) fn breakdown(asked: &Asked, world: &World, keys_of: KeysOf, limit: usize) -> Value {
    let attributed = attributed(asked, world);
    let standing = standing(world);
    let selected: Vec<&Click> = world
        .clicks
        .iter()
        .filter(|click| asked.selects(click))
        .collect();
    let outcome = |clicks: &[&Click]| {
        let has = |click: &Click| clicks.iter().any(|of| of.click_id == click.click_id);
        let owned: Vec<(&Conversion, &Click)> = attributed
            .iter()
            .filter_map(|(conversion, click)| click.ok().map(|click| (*conversion, click)))
            .filter(|(_, click)| has(click))
            .collect();
        let converted: BTreeSet<u128> = owned.iter().map(|(_, click)| click.click_id).collect();
        let mut outcome = sums(owned.iter().map(|(conversion, _)| *conversion), &standing);
        let (clicks, visitors) = count(clicks);
        outcome["clicks"] = json!(clicks);
        outcome["visitors"] = json!(visitors);
        outcome["converted_clicks"] = json!(converted.len());
        outcome["conversion_rate"] = match clicks {
            0 => Value::Null,
            clicks => json!(converted.len() as f64 / clicks as f64),
        };
        outcome
    };
    let mut by_key: BTreeMap<String, Vec<&Click>> = BTreeMap::new();
    for click in &selected {
        for key in keys_of(click) {
            by_key.entry(key).or_default().push(click);
        }
    }
    let mut ordered: Vec<_> = by_key.iter().collect();
    ordered.sort_by_key(|(key, clicks)| (std::cmp::Reverse(clicks.len()), key.as_bytes().to_vec()));
    let rows: Vec<Value> = ordered
        .into_iter()
        .take(limit)
        .map(|(key, clicks)| {
            let mut row = outcome(clicks);
            row["key"] = json!(key);
            row
        })
        .collect();
    let mut reasons: BTreeMap<&str, Vec<&Conversion>> = BTreeMap::new();
    for (conversion, click) in &attributed {
        if let (Err(reason), true) = (click, asked.has(conversion.occurred_at))
            && *reason != MATCHED
        {
            reasons.entry(reason).or_default().push(conversion);
        }
    }
    let unattributed: Vec<Value> = reasons
        .into_iter()
        .map(|(reason, conversions)| {
            let mut row = sums(conversions.into_iter(), &standing);
            row["reason"] = json!(reason);
            row
        })
        .collect();
    json!({
        "rows": rows, "keys": by_key.len(), "totals": outcome(&selected), "unattributed": unattributed,
    })
}

fn sums<'a>(conversions: impl Iterator<Item = &'a Conversion>, standing: &[&Conversion]) -> Value {
    let (mut leads, mut sales) = (0, 0);
    let mut revenue: BTreeMap<&str, i128> = BTreeMap::new();
    let mut given_back: BTreeMap<&str, i128> = BTreeMap::new();
    for conversion in conversions {
        let back = i128::from(refunded(conversion, standing));
        let worth = match conversion.kind {
            LEAD => {
                leads += 1;
                continue;
            }
            SALE => {
                sales += 1;
                i128::from(conversion.amount_minor)
            }
            // They are here where there is no sale that they could be taken from.
            REFUND => 0,
            CANCELLATION => continue,
            other => panic!("{other}"),
        };
        // What is worth nothing names no currency.
        if worth != 0 || back != 0 {
            *revenue.entry(&conversion.currency).or_default() += worth - back;
        }
        if back != 0 {
            *given_back.entry(&conversion.currency).or_default() += back;
        }
    }
    let shown = |sums: BTreeMap<&str, i128>| -> Vec<Value> {
        sums.into_iter()
            .map(|(currency, minor)| json!({"currency": currency, "amount_minor": i64::try_from(minor).unwrap()}))
            .collect()
    };
    json!({
        "leads": leads, "sales": sales, "conversions": leads + sales,
        "revenue": shown(revenue), "refunded": shown(given_back),
    })
}
