//! Puts conversions and clicks together: which clicks led to each conversion. What is asked of ClickHouse is in
//! [`super::question`], what touches earn in [`super::ledger`].
//!
//! Here and not in the database: a click belongs to as many people as have carried its visitor, and a join there reads
//! the clicks again for each of them.

use std::collections::{BTreeSet, HashMap};

use clickhouse::Row;
use serde::Deserialize;

/// Touches of one conversion: the latest.
const MOST_TOUCHES: usize = 1_000;
/// Touches of all conversions together: a browser that converts thousands of times has all its clicks before each of them.
const MOST_HELD: usize = 5_000_000;

/// A conversion that is asked for, or another of the same customer.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct Conversion {
    event_id: String,
    occurred_ms: i64,
    worth: i64,
    refunded: i64,
    paid_in: String,
    customer: String,
    carried_click: u128,
    carried_visitor: u128,
    is_asked: bool,
}

/// A click of somebody who converted.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct Click {
    click_id: u128,
    visitor_id: u128,
    at: i64,
    label: String,
    counts: bool,
}

/// A click that led to a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touch {
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) click_id: u128,
    /// The label's number.
    pub(crate) label: u32,
}

/// A conversion and what led to it.
#[derive(Debug)]
pub(crate) struct Converted {
    /// Its event id.
    pub(crate) event_id: String,
    /// When, in milliseconds since 1970.
    pub(crate) occurred_ms: i64,
    /// What was paid and not given back, in minor units.
    pub(crate) worth: i128,
    pub(crate) currency: String,
    /// The earliest first; at the same millisecond by the click's id.
    pub(crate) touches: Vec<Touch>,
}

/// All conversions that are asked for, in the order of their event ids.
#[derive(Debug, Default)]
pub(crate) struct Journeys {
    pub(crate) converted: Vec<Converted>,
    /// What touches are called, by number.
    pub(crate) labels: Vec<String>,
}

/// Who converted: a customer with all its conversions, or a conversion alone that names none.
#[derive(Default)]
struct Person {
    visitors: BTreeSet<u128>,
    carried: BTreeSet<u128>,
}

/// More touches than are held beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Journeys {
    /// Out of the conversions, the clicks that these carry, and the clicks of their visitors.
    pub(crate) fn new(
        conversions: Vec<Conversion>,
        carried: Vec<Click>,
        visited: Vec<Click>,
        look_back_ms: i64,
    ) -> Result<Self, TooMany> {
        let mut labels = Labels::default();
        let carried: HashMap<u128, (u128, Option<Touch>)> = carried
            .into_iter()
            .map(|click| {
                let touch = click.counts.then(|| labels.touch(&click));
                (click.click_id, (click.visitor_id, touch))
            })
            .collect();
        let mut clicks: HashMap<u128, Vec<Touch>> = HashMap::new();
        for click in &visited {
            let touch = labels.touch(click);
            clicks.entry(click.visitor_id).or_default().push(touch);
        }
        clicks
            .values_mut()
            .for_each(|touches| touches.sort_unstable());

        let mut people: Vec<Person> = Vec::new();
        let mut customers: HashMap<&str, usize> = HashMap::new();
        let mut asked = Vec::new();
        for conversion in &conversions {
            let new = people.len();
            let person = match conversion.customer.as_str() {
                "" => new,
                customer => *customers.entry(customer).or_insert(new),
            };
            if person == new {
                people.push(Person::default());
            }
            let clicked_by = carried.get(&conversion.carried_click);
            let visitors = [
                conversion.carried_visitor,
                clicked_by.map_or(0, |found| found.0),
            ];
            let visitors = visitors.into_iter().filter(|visitor| *visitor != 0);
            people[person].visitors.extend(visitors);
            people[person].carried.insert(conversion.carried_click);
            if conversion.is_asked {
                asked.push((conversion, person));
            }
        }
        let mut held = 0;
        let converted = asked.into_iter().map(|(conversion, person)| {
            let till = conversion.occurred_ms;
            let within = |touch: &Touch| (till - look_back_ms..=till).contains(&touch.at);
            let person = &people[person];
            let theirs = person
                .visitors
                .iter()
                .filter_map(|visitor| clicks.get(visitor));
            let mut touches: Vec<Touch> = theirs
                .flat_map(|clicks| between(clicks, till - look_back_ms, till))
                .copied()
                .collect();
            let carried = person
                .carried
                .iter()
                .filter_map(|click| carried.get(click)?.1);
            touches.extend(carried.filter(within));
            touches.sort_unstable();
            // Carried, and the visitor's too.
            touches.dedup();
            touches.drain(..touches.len().saturating_sub(MOST_TOUCHES));
            held += touches.len();
            if held > MOST_HELD {
                return Err(TooMany);
            }
            Ok(Converted {
                event_id: conversion.event_id.clone(),
                touches,
                occurred_ms: till,
                worth: i128::from(conversion.worth) - i128::from(conversion.refunded),
                currency: conversion.paid_in.clone(),
            })
        });
        Ok(Self {
            converted: converted.collect::<Result<_, _>>()?,
            labels: labels.names,
        })
    }
}

/// Those of sorted touches from one moment to another, both included.
fn between(touches: &[Touch], from: i64, till: i64) -> &[Touch] {
    let begin = touches.partition_point(|touch| touch.at < from);
    let end = touches.partition_point(|touch| touch.at <= till);
    // No more than count for one conversion.
    &touches[begin.max(end.saturating_sub(MOST_TOUCHES))..end]
}

/// Labels by number.
#[derive(Default)]
struct Labels {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Labels {
    fn touch(&mut self, click: &Click) -> Touch {
        let number = self.numbers.get(&click.label).copied();
        let label = number.unwrap_or_else(|| {
            let number = self.names.len() as u32;
            self.names.push(click.label.clone());
            self.numbers.insert(click.label.clone(), number);
            number
        });
        Touch {
            at: click.at,
            click_id: click.click_id,
            label,
        }
    }
}
