//! Adds up how far people got, by when and by what they entered.

use std::collections::{BTreeMap, HashMap};

use clickhouse::Row;
use serde::Deserialize;

use super::matching::{Plan, Way};
use super::people::{Happened, People};

/// A row of `entries.sql`: people who did nothing but enter.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Entered {
    bucket: i64,
    value: String,
    people: u64,
    open: u64,
    first_people: u64,
    first_open: u64,
}

/// Those who took a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    pub(super) people: u64,
    /// Who has not taken it, but the one before, and may still.
    pub(super) open: u64,
    /// Milliseconds from the step before, and from the first.
    pub(super) waits: [Vec<i64>; 2],
    /// What the sales that served it were worth, by currency, less what was given back.
    pub(super) revenue: BTreeMap<String, i128>,
}

impl Taken {
    /// The smallest of the waits that so many in a hundred are not above.
    pub(super) fn quantile(waits: &[i64], percent: usize) -> Option<i64> {
        let place = (percent * waits.len()).div_ceil(100);
        waits.get(place.checked_sub(1)?).copied()
    }
}

/// When and by what people entered: the second at which an interval begins, and a value.
pub(super) type Group = (i64, String);

/// People by how far they got.
#[derive(Debug)]
pub(super) struct Tally {
    steps: usize,
    pub(super) totals: Vec<Taken>,
    pub(super) groups: HashMap<Group, Vec<Taken>>,
}

impl Tally {
    /// Adds up those who did nothing but enter, and everybody else, by intervals that begin at these seconds.
    pub(super) fn new(plan: &Plan, entered: Vec<Entered>, people: &People, edges: &[i64]) -> Self {
        let mut tally = Self {
            steps: plan.steps,
            totals: vec![Taken::default(); plan.steps],
            groups: HashMap::new(),
        };
        for row in entered {
            tally.totals[0].people += row.first_people;
            tally.totals[1].open += row.first_open;
            let group = tally.group((row.bucket, row.value));
            group[0].people += row.people;
            group[1].open += row.open;
        }
        people.each(|events, theirs| {
            if let Some(way) = plan.way(events) {
                tally.add(&way, theirs, edges);
            }
        });
        let all = tally.groups.values_mut().flatten();
        for taken in all.chain(&mut tally.totals) {
            taken
                .waits
                .iter_mut()
                .for_each(|waits| waits.sort_unstable());
        }
        tally
    }

    fn group(&mut self, group: Group) -> &mut Vec<Taken> {
        let steps = self.steps;
        let new = || vec![Taken::default(); steps];
        self.groups.entry(group).or_insert_with(new)
    }

    fn add(&mut self, way: &Way, theirs: &[Happened], edges: &[i64]) {
        let Some(entry) = way.taken.first().map(|&first| &theirs[first]) else {
            return;
        };
        let second = entry.event.at.div_euclid(1000);
        let place = edges.partition_point(|&edge| edge <= second);
        let bucket = edges[place.saturating_sub(1)];
        count(&mut self.totals, way, theirs);
        for value in &entry.split {
            count(self.group((bucket, value.clone())), way, theirs);
        }
    }
}

fn count(steps: &mut [Taken], way: &Way, theirs: &[Happened]) {
    let mut times = way.taken.iter().map(|&number| theirs[number].event.at);
    let entered = times.next().unwrap_or_default();
    let mut before = entered;
    for (number, (step, &taken)) in steps.iter_mut().zip(&way.taken).enumerate() {
        let one = &theirs[taken];
        step.people += 1;
        if number > 0 {
            step.waits[0].push(one.event.at - before);
            step.waits[1].push(one.event.at - entered);
        }
        before = one.event.at;
        if let Some((currency, minor)) = &one.worth {
            *step.revenue.entry(currency.clone()).or_default() += i128::from(*minor);
        }
    }
    if way.open {
        steps[way.taken.len()].open += 1;
    }
}
