//! Journeys put together: alike ones as one path, and the steps of all. What they are made of is in
//! [`crate::attribution::journeys`] and `sql/paths`, how they are told in [`super::answer`].

use std::collections::{BTreeMap, HashMap, HashSet};

use clickhouse::Row;
use serde::Deserialize;

use crate::attribution::journeys::Journeys;

/// Who is behind a conversion.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Converter {
    pub(super) event_id: String,
    pub(super) person: u128,
}

/// People who went the same way to no conversion.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Others {
    pub(super) labels: Vec<String>,
    pub(super) people: u64,
}

/// An end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    /// Before the first touch.
    Start,
    /// A touch, by its label's number.
    Touch(u32),
    /// The conversion.
    Conversion,
    /// The end of a way to none.
    Nothing,
    /// What is not told apart any more.
    More,
}

/// What became of those who went one way, or one of several.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    converted: HashSet<u128>,
    others: u64,
    waits: Vec<i64>,
    pub(super) revenue: BTreeMap<String, i128>,
}

impl Outcome {
    /// Distinct people.
    pub(super) fn people(&self) -> u64 {
        self.converted() + self.others
    }

    /// Distinct people who converted.
    pub(super) fn converted(&self) -> u64 {
        self.converted.len() as u64
    }

    /// Conversions, several of one person too.
    pub(super) fn conversions(&self) -> u64 {
        self.waits.len() as u64
    }

    /// The lower median of the times from the first touch, in milliseconds.
    pub(super) fn median_wait(&mut self) -> Option<i64> {
        let last = self.waits.len().checked_sub(1)?;
        Some(*self.waits.select_nth_unstable(last / 2).1)
    }

    fn add(&mut self, other: &Self) {
        self.converted.extend(&other.converted);
        self.others += other.others;
        self.waits.extend(&other.waits);
        for (currency, worth) in &other.revenue {
            *self.revenue.entry(currency.clone()).or_default() += worth;
        }
    }
}

/// All journeys.
#[derive(Debug, Default)]
pub(super) struct Ways {
    labels: Vec<String>,
    paths: HashMap<Vec<u32>, Outcome>,
    /// Conversions without any touch.
    pub(super) without: Outcome,
}

impl Ways {
    /// Out of conversions with their touches and people, and of those who did not convert. A conversion whose person was not
    /// told came between the two readings, and is left to the next question.
    pub(super) fn new(
        journeys: &Journeys,
        converters: Vec<Converter>,
        others: Vec<Others>,
        collapse: bool,
    ) -> Self {
        let mut ways = Self {
            labels: journeys.labels.clone(),
            ..Self::default()
        };
        let people = converters.into_iter();
        let people: HashMap<String, u128> =
            people.map(|known| (known.event_id, known.person)).collect();
        for conversion in &journeys.converted {
            let Some(person) = people.get(&conversion.event_id) else {
                continue;
            };
            let mut path: Vec<u32> = conversion.touches.iter().map(|touch| touch.label).collect();
            if collapse {
                path.dedup();
            }
            let outcome = match conversion.touches.first() {
                Some(_) => ways.paths.entry(path).or_default(),
                None => &mut ways.without,
            };
            let first = conversion.touches.first();
            outcome.converted.insert(*person);
            outcome
                .waits
                .push(first.map_or(0, |touch| conversion.occurred_ms - touch.at));
            if !conversion.currency.is_empty() {
                let worth = outcome.revenue.entry(conversion.currency.clone());
                *worth.or_default() += conversion.worth;
            }
        }
        let numbers = ways.labels.iter().cloned().zip(0..);
        let mut numbers: HashMap<String, u32> = numbers.collect();
        for went in others {
            let labels = went.labels.into_iter();
            let path = labels.map(|label| {
                let new = numbers.len() as u32;
                *numbers.entry(label).or_insert_with_key(|label| {
                    ways.labels.push(label.clone());
                    new
                })
            });
            let path: Vec<u32> = path.collect();
            ways.paths.entry(path).or_default().others += went.people;
        }
        ways
    }

    /// A label by its number.
    pub(super) fn label(&self, number: u32) -> &str {
        &self.labels[number as usize]
    }

    /// The paths in no order, each as its labels and what became of it.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&Vec<u32>, &Outcome)> {
        self.paths.iter()
    }

    /// All journeys with a touch.
    pub(super) fn totals(&self) -> Outcome {
        let mut totals = Outcome::default();
        self.paths.values().for_each(|outcome| totals.add(outcome));
        totals
    }

    /// By the number of touches.
    pub(super) fn lengths(&self) -> BTreeMap<usize, Outcome> {
        let mut lengths: BTreeMap<usize, Outcome> = BTreeMap::new();
        for (path, outcome) in &self.paths {
            lengths.entry(path.len()).or_default().add(outcome);
        }
        lengths
    }

    /// How often one end came right behind another.
    pub(super) fn transitions(&self) -> BTreeMap<(End, End), u64> {
        let mut transitions = BTreeMap::new();
        self.steps(|_, from, to, count| *transitions.entry((from, to)).or_default() += count);
        transitions
    }

    /// The same by the step's number, up to `steps` touches; behind them comes [`End::More`], or the end.
    pub(super) fn flow(&self, steps: usize) -> BTreeMap<(usize, End, End), u64> {
        let mut flow = BTreeMap::new();
        self.steps(|number, from, to, count| {
            let to = match to {
                End::Touch(_) if number > steps => End::More,
                to => to,
            };
            if number <= steps + 1 {
                *flow.entry((number, from, to)).or_default() += count;
            }
        });
        flow
    }

    /// Each step of each path: its number from 1 on, its ends, and how many went it.
    fn steps(&self, mut see: impl FnMut(usize, End, End, u64)) {
        for (path, outcome) in &self.paths {
            let (converted, all) = (
                outcome.conversions(),
                outcome.conversions() + outcome.others,
            );
            let mut from = End::Start;
            for (number, label) in path.iter().enumerate() {
                let to = End::Touch(*label);
                see(number + 1, from, to, all);
                from = to;
            }
            let ends = [(End::Conversion, converted), (End::Nothing, outcome.others)];
            for (end, count) in ends.into_iter().filter(|(_, count)| *count > 0) {
                see(path.len() + 1, from, end, count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attribution::journeys::{Converted, Touch};

    /// A journey: its labels, and who converted at its end.
    type Journey = (Vec<u8>, Option<u8>);

    fn ways(journeys: &[Journey], collapse: bool) -> Ways {
        let touch = |label: &u8| Touch {
            at: 0,
            click_id: 0,
            label: u32::from(*label),
        };
        let converted = journeys.iter().filter_map(|(labels, person)| {
            Some((person.as_ref()?, labels.iter().map(touch).collect()))
        });
        let mut converters = Vec::new();
        let converted = converted.map(|(person, touches)| {
            let event_id = converters.len().to_string();
            converters.push(Converter {
                event_id: event_id.clone(),
                person: (*person).into(),
            });
            Converted {
                event_id,
                occurred_ms: 1_000,
                worth: 5,
                currency: "EUR".into(),
                touches,
            }
        });
        let held = Journeys {
            converted: converted.collect(),
            labels: (0..4).map(|label: u8| label.to_string()).collect(),
        };
        let others = journeys
            .iter()
            .filter(|(labels, person)| person.is_none() && !labels.is_empty());
        let others = others.map(|(labels, _)| {
            let mut labels: Vec<String> = labels.iter().map(u8::to_string).collect();
            if collapse {
                labels.dedup();
            }
            Others { labels, people: 1 }
        });
        Ways::new(&held, converters, others.collect(), collapse)
    }

    fn journeys() -> impl Strategy<Value = Vec<Journey>> {
        let labels = prop::collection::vec(0_u8..4, 0..7);
        prop::collection::vec((labels, prop::option::of(0_u8..5)), 0..30)
    }

    proptest! {
        #[test]
        fn what_comes_to_a_label_leaves_it(all in journeys(), collapse: bool) {
            let ways = ways(&all, collapse);
            let (mut coming, mut leaving) = (BTreeMap::new(), BTreeMap::new());
            for ((from, to), count) in ways.transitions() {
                prop_assert!(!collapse || from != to);
                *leaving.entry(from).or_insert(0) += count;
                *coming.entry(to).or_insert(0) += count;
            }
            let with_touch = all.iter().filter(|(labels, _)| !labels.is_empty()).count() as u64;
            let ended = |end| coming.remove(&end).unwrap_or(0);
            let ended: u64 = [End::Conversion, End::Nothing].map(ended).iter().sum();
            prop_assert_eq!(ended, with_touch);
            prop_assert_eq!(leaving.remove(&End::Start).unwrap_or(0), with_touch);
            prop_assert_eq!(coming, leaving);
        }

        #[test]
        fn parts_make_the_whole(all in journeys(), collapse: bool) {
            let ways = ways(&all, collapse);
            let totals = ways.totals();
            let paths: u64 = ways.paths().map(|(_, outcome)| outcome.conversions()).sum();
            let lengths: u64 = ways.lengths().values().map(Outcome::conversions).sum();
            prop_assert_eq!([paths, lengths], [totals.conversions(); 2]);
            prop_assert!(ways.paths().all(|(_, outcome)| outcome.converted() <= outcome.people()));
            let people: u64 = ways.paths().map(|(_, outcome)| outcome.people()).sum();
            prop_assert!(people >= totals.people());
            let all_conversions = all.iter().filter(|(_, person)| person.is_some()).count() as u64;
            prop_assert_eq!(totals.conversions() + ways.without.conversions(), all_conversions);
        }

        #[test]
        fn a_flow_never_leads_back_and_loses_nobody(all in journeys(), steps in 1_usize..8) {
            let ways = ways(&all, false);
            let (mut coming, mut leaving) = (BTreeMap::new(), BTreeMap::new());
            let mut ended = 0;
            for ((number, from, to), count) in ways.flow(steps) {
                prop_assert!(number <= steps + 1);
                *leaving.entry((number, from)).or_insert(0) += count;
                match to {
                    End::Touch(_) => *coming.entry((number + 1, to)).or_insert(0) += count,
                    _ => ended += count,
                }
            }
            let started = leaving.remove(&(1, End::Start)).unwrap_or(0);
            prop_assert_eq!(started, ended);
            prop_assert_eq!(coming, leaving);
        }
    }
}
