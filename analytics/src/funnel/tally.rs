//! Adds up how far people got, by when and by what they entered.
//!
//! Everybody who entered by a click is counted as somebody who did nothing else ([`super::entries`]). Whose clicks are looked at one by
//! one is taken off there, by the same first click, and counted by the whole way instead.

use std::collections::{BTreeMap, HashMap};

use super::entries::{Entered, Entry};
use super::matching::{Plan, Way};
use super::people::{Happened, People};

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
