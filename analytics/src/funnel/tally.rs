//! Adds up how far people got, by when and by what they entered.
//!
//! Everybody who entered by a click is counted by ClickHouse, as somebody who did nothing else. Whose clicks are looked at one by
//! one is taken off there, by the same first click, and counted by the whole way instead.

use std::collections::{BTreeMap, HashMap};

use clickhouse::Row;
use serde::Deserialize;

use super::matching::{Plan, Way};
use super::people::{Happened, People, Seen};

/// A row of `entries.sql`: people who entered by a click.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Entered {
    bucket: i64,
    value: String,
    people: u64,
    open: u64,
    first_people: u64,
    first_open: u64,
}

impl Entered {
    fn take_off(&mut self, other: &Self) {
        let less = |all: &mut u64, of: u64| *all = all.saturating_sub(of);
        less(&mut self.people, other.people);
        less(&mut self.open, other.open);
        less(&mut self.first_people, other.first_people);
        less(&mut self.first_open, other.first_open);
    }
}

/// Which clicks `entries.sql` takes for entries, and what it tells them apart by.
#[derive(Debug)]
pub(super) struct Entry {
    /// The bits of the steps.
    pub(super) steps: u16,
    /// When an entry must have been, in milliseconds, excluded.
    pub(super) until: i64,
    /// Who entered then or later still has time for the next step.
    pub(super) open: i64,
    /// Where intervals begin, in seconds.
    pub(super) edges: Vec<i64>,
}

impl Entry {
    /// When the interval of a moment began.
    fn bucket(&self, at: i64) -> i64 {
        let second = at.div_euclid(1000);
        let place = self.edges.partition_point(|&edge| edge <= second);
        self.edges[place.saturating_sub(1)]
    }

    /// Whether it makes no difference when somebody entered who did so at this moment or later.
    pub(super) fn is_alike_from(&self, from: i64) -> bool {
        self.edges.len() == 1 && (self.open <= from || self.open >= self.until)
    }

    /// What `entries.sql` counts of those whose clicks these are, each identity by its first click.
    pub(super) fn of(&self, clicks: &[Seen]) -> Vec<Entered> {
        let mut first: HashMap<u128, &Seen> = HashMap::new();
        let enters = |click: &&Seen| click.steps & self.steps != 0 && click.at < self.until;
        for click in clicks.iter().filter(enters) {
            let earliest = first.entry(click.identity).or_insert(click);
            if (click.at, click.id) < (earliest.at, earliest.id) {
                *earliest = click;
            }
        }
        let each = first.into_values().flat_map(|click| {
            let open = u64::from(click.at >= self.open);
            let values = click.split.iter().enumerate();
            values.map(move |(place, value)| Entered {
                bucket: self.bucket(click.at),
                value: value.clone(),
                people: 1,
                open,
                first_people: u64::from(place == 0),
                first_open: if place == 0 { open } else { 0 },
            })
        });
        each.collect()
    }
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
    /// Adds up who entered by a click, less those whose clicks were looked at, and of these people the whole way.
    pub(super) fn new(
        plan: &Plan,
        entry: &Entry,
        entered: Vec<Entered>,
        looked_at: Vec<Entered>,
        people: &People,
    ) -> Self {
        let mut tally = Self {
            steps: plan.steps,
            totals: vec![Taken::default(); plan.steps],
            groups: HashMap::new(),
        };
        let mut groups: HashMap<Group, Entered> = HashMap::new();
        for row in entered {
            groups.insert((row.bucket, row.value.clone()), row);
        }
        for less in looked_at {
            // A click that came between the two statements is missing here.
            if let Some(row) = groups.get_mut(&(less.bucket, less.value.clone())) {
                row.take_off(&less);
            }
        }
        for (group, row) in groups {
            tally.totals[0].people += row.first_people;
            tally.totals[1].open += row.first_open;
            if row.people > 0 {
                let group = tally.group(group);
                group[0].people += row.people;
                group[1].open += row.open;
            }
        }
        people.each(|events, theirs| {
            if let Some(way) = plan.way(events) {
                tally.add(&way, theirs, entry);
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

    fn add(&mut self, way: &Way, theirs: &[Happened], entry: &Entry) {
        let Some(first) = way.taken.first().map(|&first| &theirs[first]) else {
            return;
        };
        let bucket = entry.bucket(first.event.at);
        count(&mut self.totals, way, theirs);
        for value in &first.split {
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
