//! A workspace's clicks as numbers, hour by hour. Knows nothing of ClickHouse but the form of a row.

use std::collections::{BTreeMap, HashMap};
use std::mem::size_of;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use clickhouse::Row;
use serde::Deserialize;

/// What is held of a click beside its time and its visitor.
const COLUMNS: [&str; 6] = [
    "channel", "source", "link_id", "country", "device", "browser",
];
/// Seconds of an hour.
pub(super) const HOUR_S: u32 = 3_600;
/// Milliseconds of an hour.
pub(super) const HOUR_MS: i64 = HOUR_S as i64 * 1_000;
/// The number of whoever has no visitor.
pub(crate) const NOBODY: u32 = u32::MAX;

/// The place of a column, if it is held.
pub(crate) fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| *column == name)
}

/// A row of `sql/held/clicks.sql`.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Clicked<'r> {
    hour: u32,
    at: u32,
    visitor_id: u128,
    channel: &'r str,
    source: &'r str,
    link: &'r str,
    country: &'r str,
    device: &'r str,
    browser: &'r str,
    print: u64,
}

/// What an hour's clicks are, in one number, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) clicks: u64,
    pub(super) print: u64,
}

/// One click.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Click {
    /// Milliseconds since its hour began.
    pub(crate) at: u32,
    /// Whose it is: [`NOBODY`]'s, or a number below [`Snapshot::visitors`].
    pub(crate) visitor: u32,
    /// The numbers of its values, by column.
    pub(crate) values: [u32; COLUMNS.len()],
}

/// The clicks of an hour, by time.
#[derive(Debug, Default)]
pub(super) struct Hour {
    pub(super) print: Print,
    clicks: Vec<Click>,
}

/// The values of a column, by number.
#[derive(Debug, Default)]
struct Values {
    names: Arc<Vec<Arc<str>>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Values {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let names = Arc::make_mut(&mut self.names);
        let number = u32::try_from(names.len()).expect("fewer values than clicks");
        let name: Arc<str> = name.into();
        names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }
}

/// Visitors by their ids, in four parts: an id as one number would take half as much again.
type Visitors = HashMap<[u32; 4], u32>;

fn parts(id: u128) -> [u32; 4] {
    [96, 64, 32, 0].map(|shift| (id >> shift) as u32)
}

/// All that is held of a workspace.
#[derive(Debug, Default)]
pub(super) struct Clicks {
    visitors: Arc<RwLock<Visitors>>,
    values: [Values; COLUMNS.len()],
    pub(super) hours: BTreeMap<u32, Arc<Hour>>,
}

/// Clicks of hours that are about to be held.
#[derive(Debug, Default)]
pub(super) struct Fresh(HashMap<u32, Hour>);

impl Clicks {
    /// Makes numbers of a row.
    pub(super) fn note(&mut self, fresh: &mut Fresh, row: &Clicked<'_>) {
        let names = [
            row.channel,
            row.source,
            row.link,
            row.country,
            row.device,
            row.browser,
        ];
        let mut values = [0; COLUMNS.len()];
        for ((number, of_column), name) in values.iter_mut().zip(&mut self.values).zip(names) {
            *number = of_column.number(name);
        }
        let click = Click {
            at: row.at,
            visitor: self.visitor(row.visitor_id),
            values,
        };
        let hour = fresh.0.entry(row.hour).or_default();
        hour.print.clicks += 1;
        hour.print.print = hour.print.print.wrapping_add(row.print);
        hour.clicks.push(click);
    }

    fn visitor(&mut self, id: u128) -> u32 {
        if id == 0 {
            return NOBODY;
        }
        let mut visitors = self.visitors.write().expect("nothing panics under it");
        let next = u32::try_from(visitors.len()).expect("fewer visitors than clicks");
        *visitors.entry(parts(id)).or_insert(next)
    }

    /// Puts hours in the place of what was held of them. Their prints are those of what was read: it may have changed since it
    /// was asked what there is, or come from a replica that is behind.
    pub(super) fn put(&mut self, mut fresh: Fresh, hours: impl Iterator<Item = u32>) {
        for number in hours {
            let mut hour = fresh.0.remove(&number).unwrap_or_default();
            hour.clicks.shrink_to_fit();
            hour.clicks.sort_by_key(|click| click.at);
            self.hours.insert(number, Arc::new(hour));
        }
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let visitors = self.visitors.read().expect("nothing panics under it");
        let clicks: usize = self.hours.values().map(|hour| hour.clicks.len()).sum();
        let values: usize = self.values.iter().map(|values| values.names.len()).sum();
        // A table of hashes has a byte for each place beside what stands there.
        clicks * size_of::<Click>()
            + visitors.capacity() * (size_of::<([u32; 4], u32)>() + 1)
            + values * 128
    }

    /// These hours as they are now.
    pub(super) fn snapshot(&self, hours: Range<u32>) -> Snapshot {
        let hours = self.hours.range(hours);
        Snapshot {
            hours: hours
                .map(|(hour, clicks)| (*hour, Arc::clone(clicks)))
                .collect(),
            names: self
                .values
                .each_ref()
                .map(|values| Arc::clone(&values.names)),
            count: self.visitors.read().expect("nothing panics under it").len(),
            visitors: Arc::clone(&self.visitors),
        }
    }
}

/// Clicks of some hours, which stay as they are.
#[derive(Debug)]
pub(crate) struct Snapshot {
    hours: Vec<(u32, Arc<Hour>)>,
    names: [Arc<Vec<Arc<str>>>; COLUMNS.len()],
    visitors: Arc<RwLock<Visitors>>,
    count: usize,
}

impl Snapshot {
    /// The hours, in hours since 1970, each with its clicks; all in the order of their times.
    pub(crate) fn hours(&self) -> impl Iterator<Item = (u32, &[Click])> {
        self.hours
            .iter()
            .map(|(hour, of)| (*hour, of.clicks.as_slice()))
    }

    /// The clicks from one moment to another, in milliseconds, each with its own.
    pub(crate) fn between(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, &Click)> {
        let all = self.hours().flat_map(|(hour, clicks)| {
            let began = i64::from(hour) * HOUR_MS;
            clicks
                .iter()
                .map(move |click| (began + i64::from(click.at), click))
        });
        all.filter(move |(at, _)| (from..to).contains(at))
    }

    /// The numbers of visitors are below this.
    pub(crate) fn visitors(&self) -> usize {
        self.count
    }

    /// The numbers of these visitors, of those who have one.
    pub(crate) fn numbers(&self, ids: &[u128]) -> Vec<u32> {
        let visitors = self.visitors.read().expect("nothing panics under it");
        let numbers = ids
            .iter()
            .filter_map(|id| visitors.get(&parts(*id)).copied());
        numbers
            .filter(|&number| (number as usize) < self.count)
            .collect()
    }

    /// What the numbers of a column's values stand for.
    pub(crate) fn names(&self, column: usize) -> &[Arc<str>] {
        &self.names[column]
    }
}

#[cfg(test)]
mod tests;
