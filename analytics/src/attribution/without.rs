//! The paths of visitors who did not convert, which models hold against those that did: counted in memory where clicks are held,
//! else by `sql/attribution/without.sql`.

use std::collections::HashMap;
use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;
use whence_core::problem::Problem;

use super::question::Touching;
use super::reading::UNFINISHED;
use super::report::sql;
use crate::api::Api;
use crate::held::{self, NOBODY, Snapshot};
use crate::reports::warehouse::Read;

const WITHOUT: &str = sql!(
    "reports/open.sql",
    "carried/every.sql",
    "attribution/people.sql",
    "attribution/without.sql"
);
const KNOWN: &str = sql!(
    "reports/open.sql",
    "carried/every.sql",
    "attribution/people.sql",
    "attribution/known.sql"
);
/// Touches of a path: the last ones.
const MOST_TOUCHES: usize = 1_000;
/// Bits of a label's place in the order of labels. Of more labels no chain could be worked out.
const LABEL_BITS: u32 = 23;

/// The column of links, whose labels are numbers.
const LINKS: &str = "link_id";

/// Visitors who did not convert, by what they clicked.
#[derive(Debug, Default)]
pub(super) struct Without {
    pub(super) labels: Vec<Arc<str>>,
    /// Labels by their places, and how often that was.
    pub(super) paths: Vec<(Vec<u32>, u64)>,
}

/// A row of `sql/attribution/without.sql`.
#[derive(Debug, Row, Deserialize)]
struct Alike {
    labels: Vec<String>,
    often: u64,
}

impl Without {
    fn new(rows: Vec<Alike>) -> Self {
        let mut without = Self::default();
        let mut places: HashMap<String, u32> = HashMap::new();
        for row in rows {
            let path = row.labels.into_iter().map(|label| {
                let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
                *places.entry(label).or_insert_with_key(|label| {
                    without.labels.push(label.as_str().into());
                    next
                })
            });
            let path = path.collect();
            without.paths.push((path, row.often));
        }
        without
    }
}

/// A row of `sql/attribution/known.sql`.
#[derive(Debug, Row, Deserialize)]
struct Known {
    visitor: u128,
}

/// Gathers them for a question.
pub(super) async fn gather(api: &Api, touching: &Touching) -> Result<(Without, Read), Problem> {
    let put = |statement| touching.put(statement);
    let (of, warehouse) = (&touching.workspace, &api.warehouse);
    let column = held::column(touching.by.names().1).filter(|_| !touching.all_traffic);
    let (held, read) = match column {
        Some(_) => api.held.snapshot(of, touching.range.ms()).await?,
        None => (None, Read::NOTHING),
    };
    let Some((column, clicks)) = column.zip(held) else {
        let (rows, more) = warehouse
            .ask_text::<Alike>(of, "attribution_without", WITHOUT, put)
            .await?;
        return Ok((Without::new(rows), read + more));
    };
    let (known, more) = warehouse
        .ask_text::<Known>(of, "attribution_known", KNOWN, put)
        .await?;
    let (from, to) = touching.range.ms();
    let paths = api.held.count(UNFINISHED, move || {
        let known: Vec<u128> = known.iter().map(|known| known.visitor).collect();
        let known = clicks.numbers(&known);
        paths(&clicks, column, (from, to), &known)
    });
    Ok((paths.await?, read + more))
}

/// The paths of all visitors but those with these numbers: their clicks by time, of one millisecond by label.
fn paths(clicks: &Snapshot, column: usize, (from, to): (i64, i64), known: &[u32]) -> Without {
    let names = clicks.names(column);
    let (labels, places) = in_order(names, Some(column) == held::column(LINKS));
    let mut is_known = vec![false; clicks.visitors()];
    for &visitor in known {
        is_known[visitor as usize] = true;
    }
    let theirs = || {
        let all = clicks.between(from, to);
        all.filter(|(_, click)| click.visitor != NOBODY && !is_known[click.visitor as usize])
    };
    // Each visitor's clicks beside each other: how many there are says where they begin.
    let mut begins = vec![0_usize; clicks.visitors() + 1];
    for (_, click) in theirs() {
        begins[click.visitor as usize + 1] += 1;
    }
    let mut sum = 0;
    for begin in &mut begins {
        sum += *begin;
        *begin = sum;
    }
    let mut touches = vec![0_u64; sum];
    let mut next = begins.clone();
    for (at, click) in theirs() {
        let place = &mut next[click.visitor as usize];
        let label = places[click.values[column] as usize];
        touches[*place] = at.abs_diff(from) << LABEL_BITS | u64::from(label);
        *place += 1;
    }
    let mut often: HashMap<Vec<u32>, u64> = HashMap::new();
    let mut path = Vec::new();
    for bounds in begins.windows(2) {
        let touches = &mut touches[bounds[0]..bounds[1]];
        if touches.is_empty() {
            continue;
        }
        touches.sort_unstable();
        let last = &touches[touches.len().saturating_sub(MOST_TOUCHES)..];
        path.clear();
        path.extend(
            last.iter()
                .map(|touch| (touch & ((1 << LABEL_BITS) - 1)) as u32),
        );
        match often.get_mut(path.as_slice()) {
            Some(often) => *often += 1,
            None => {
                often.insert(path.clone(), 1);
            }
        }
    }
    // In ClickHouse's order, by the labels' texts, so that what is added up is always the same.
    let mut paths: Vec<(Vec<u32>, u64)> = often.into_iter().collect();
    let text = |place: &u32| &labels[*place as usize];
    if labels.is_sorted() {
        paths.sort_unstable();
    } else {
        paths.sort_unstable_by(|(one, _), (other, _)| {
            one.iter().map(text).cmp(other.iter().map(text))
        });
    }
    Without { labels, paths }
}

/// Labels in the order in which ClickHouse has them; and of each its place there.
fn in_order(names: &[Arc<str>], are_numbers: bool) -> (Vec<Arc<str>>, Vec<u32>) {
    let mut numbers: Vec<usize> = (0..names.len()).collect();
    numbers.sort_unstable_by_key(|&number| {
        let name = &names[number];
        let value = name.parse::<u64>().ok().filter(|_| are_numbers);
        (value, name)
    });
    let mut places = vec![0; names.len()];
    for (place, &number) in numbers.iter().enumerate() {
        places[number] = u32::try_from(place).unwrap_or(u32::MAX);
    }
    let labels = numbers.iter().map(|&number| Arc::clone(&names[number]));
    (labels.collect(), places)
}
