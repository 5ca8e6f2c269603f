//! Counts the clicks and the visitors of an overview out of clicks that are held in memory: what `sql/overview/counted.sql` and
//! `visitors.sql` count, in one look for clicks and one for visitors.

use std::cmp::Reverse;
use std::sync::Arc;

use super::super::dimension::Dimension;
use super::super::question::Traffic;
use super::clicks::Clicked;
use super::question::Overview;
use super::reading::Reading;
use super::rollup::{self, HOUR_S};
use super::statement::part;
use super::words::{BITS, Field, Of, lay_out};
use crate::held::{Snapshot, column};

/// Clicks that are noted at once.
const AT_ONCE: usize = 128;

/// What is counted, apart from where.
#[derive(Debug)]
pub(super) struct Question {
    /// Where intervals begin, in seconds, the first not after the range.
    edges: Vec<i64>,
    /// Of each breakdown the place of its column.
    columns: Vec<usize>,
    limit: usize,
    /// The values that are shown, by part, where they are told.
    wanted: Option<Vec<(u8, String)>>,
}

impl Question {
    /// What a reading asks, where the clicks that are held can say it: those of people, by what is held of them, in whole hours.
    pub(super) fn of(reading: &Reading<'_>) -> Option<Self> {
        let Overview {
            series, rollups, ..
        } = reading.overview;
        let of_people = series.traffic == Traffic::Human;
        if !(*rollups && of_people && rollup::fits(series, reading.range, reading.edges)) {
            return None;
        }
        let columns = reading
            .dimensions
            .iter()
            .map(|one: &Dimension| column(one.column));
        Some(Self {
            edges: reading.edges.to_vec(),
            columns: columns.collect::<Option<_>>()?,
            limit: usize::try_from(reading.overview.limit).unwrap_or(usize::MAX),
            wanted: reading.wanted.map(<[_]>::to_vec),
        })
    }

    /// The interval of an hour, by its place.
    fn interval(&self, hour: u32) -> usize {
        let second = i64::from(hour) * HOUR_S;
        let place = self.edges.partition_point(|&edge| edge <= second);
        place.saturating_sub(1)
    }

    /// The rows that are shown, in their order, each with its visitors.
    pub(super) fn count(&self, clicks: &Snapshot) -> Vec<(Clicked, u64)> {
        let mut by_interval = vec![0; self.edges.len()];
        let mut by_value: Vec<Vec<u64>> = self
            .columns
            .iter()
            .map(|&column| vec![0; clicks.names(column).len()])
            .collect();
        for (hour, clicks) in clicks.hours() {
            by_interval[self.interval(hour)] += clicks.len() as u64;
            for click in clicks {
                for (counts, &column) in by_value.iter_mut().zip(&self.columns) {
                    counts[click.values[column] as usize] += 1;
                }
            }
        }
        let total = by_interval.iter().sum();
        if total == 0 {
            return Vec::new();
        }
        let shown: Vec<Vec<usize>> = by_value
            .iter()
            .enumerate()
            .map(|(number, counts)| self.shown(number, counts, clicks.names(self.columns[number])))
            .collect();
        let seen = Seen::of(self, clicks, &shown);

        let row = |part, bucket, key: &str, groups: usize, clicks| Clicked {
            part,
            bucket,
            key: key.to_owned(),
            groups: groups as u64,
            clicks,
        };
        let intervals = by_interval.iter().filter(|clicks| **clicks > 0).count();
        let mut rows = vec![(row(0, 0, "", 1, total), seen.all)];
        for (place, &clicks) in by_interval
            .iter()
            .enumerate()
            .filter(|(_, clicks)| **clicks > 0)
        {
            let row = row(1, self.edges[place], "", intervals, clicks);
            rows.push((row, seen.by_interval[place]));
        }
        let mut visitors = seen.by_value.iter();
        for (number, (values, counts)) in shown.iter().zip(&by_value).enumerate() {
            let groups = counts.iter().filter(|clicks| **clicks > 0).count();
            let names = clicks.names(self.columns[number]);
            for (&value, visitors) in values.iter().zip(visitors.by_ref()) {
                let row = row(part(number), 0, &names[value], groups, counts[value]);
                rows.push((row, *visitors));
            }
        }
        rows
    }

    /// The values of a breakdown that are shown, those with the most clicks first.
    fn shown(&self, number: usize, counts: &[u64], names: &[Arc<str>]) -> Vec<usize> {
        let is_wanted = |value: usize| match &self.wanted {
            None => true,
            Some(wanted) => wanted
                .iter()
                .any(|(of, key)| *of == part(number) && **key == *names[value]),
        };
        let mut values: Vec<usize> = (0..counts.len())
            .filter(|&value| counts[value] > 0 && is_wanted(value))
            .collect();
        values.sort_unstable_by_key(|&value| (Reverse(counts[value]), &names[value]));
        if self.wanted.is_none() {
            values.truncate(self.limit);
        }
        values
    }
}

/// Visitors, each once.
struct Seen {
    all: u64,
    by_interval: Vec<u64>,
    /// Of each breakdown's values that are shown, one after the other.
    by_value: Vec<u64>,
}

/// The bits of a breakdown's values that are shown.
struct Bits {
    column: usize,
    word: usize,
    /// Of each value its bit, or none.
    masks: Vec<u64>,
}

impl Seen {
    fn of(question: &Question, clicks: &Snapshot, shown: &[Vec<usize>]) -> Self {
        let counts: Vec<usize> = shown.iter().map(Vec::len).collect();
        let fields = lay_out(0, &counts);
        let of_field = |field: &Field| {
            let Of::Values(number) = field.of else {
                return None;
            };
            let column = question.columns[number];
            let mut masks = vec![0; clicks.names(column).len()];
            for (&value, bit) in shown[number].iter().zip(field.bits()) {
                masks[value] = bit;
            }
            let word = field.word;
            Some(Bits {
                column,
                word,
                masks,
            })
        };
        let bits: Vec<Bits> = fields.iter().filter_map(of_field).collect();
        let (all, by_interval, by_bit) = match bits.iter().map(|bits| bits.word + 1).max() {
            None | Some(1) => note::<2>(question, clicks, &bits),
            Some(2) => note::<3>(question, clicks, &bits),
            Some(3) => note::<4>(question, clicks, &bits),
            // Six columns, of which none has more than a word.
            Some(_) => note::<7>(question, clicks, &bits),
        };
        let counts = fields
            .iter()
            .flat_map(|field| &by_bit[field.word][field.first..][..field.count]);
        Self {
            all,
            by_interval,
            by_value: counts.copied().collect(),
        }
    }
}

/// Notes of each visitor the last interval, since hours come one after the other, and behind it, side by side, the words of bits.
/// Answers how many visitors there were, by interval, and by bit.
///
/// What takes time is to fetch a visitor from afar. So for some clicks it is first found out what to note, and then it is noted, with so
/// little to do between two that many are fetched at once.
fn note<const WORDS: usize>(
    question: &Question,
    clicks: &Snapshot,
    bits: &[Bits],
) -> (u64, Vec<u64>, Vec<[u64; BITS]>) {
    let (mut all, mut by_interval) = (0, vec![0; question.edges.len()]);
    let mut noted = vec![[0_u64; WORDS]; clicks.visitors()];
    let mut next = [[0_u64; WORDS]; AT_ONCE];
    for (hour, clicks) in clicks.hours() {
        let place = question.interval(hour);
        let interval = place as u64 + 1;
        let mut visitors = 0;
        for clicks in clicks.chunks(AT_ONCE) {
            for (next, click) in next.iter_mut().zip(clicks) {
                *next = [0; WORDS];
                for of in bits {
                    next[1 + of.word] |= of.masks[click.values[of.column] as usize];
                }
            }
            for (next, click) in next.iter().zip(clicks) {
                // Nobody has a number beyond all others.
                let Some(noted) = noted.get_mut(click.visitor as usize) else {
                    continue;
                };
                all += u64::from(noted[0] == 0);
                visitors += u64::from(noted[0] != interval);
                noted[0] = interval;
                for (noted, next) in noted[1..].iter_mut().zip(&next[1..]) {
                    *noted |= next;
                }
            }
        }
        by_interval[place] += visitors;
    }
    let mut by_bit = vec![[0; BITS]; WORDS - 1];
    for noted in &noted {
        for (counts, &word) in by_bit.iter_mut().zip(&noted[1..]) {
            let mut left = word;
            while left != 0 {
                counts[left.trailing_zeros() as usize] += 1;
                left &= left - 1;
            }
        }
    }
    (all, by_interval, by_bit)
}
