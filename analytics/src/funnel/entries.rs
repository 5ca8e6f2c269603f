//! Who entered by a click: counted in memory where clicks are held, else by ClickHouse, as if they had done nothing else.
//!
//! What becomes of those who did more is in [`super::tally`].

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;
use whence_core::problem::Problem;

use super::people::Seen;
use super::question::Question;
use super::statement::{Asked, MOST_ENTRIES};
use crate::api::Api;
use crate::held::Snapshot;
use crate::reports::warehouse::Read;

/// What is told where counting broke off.
pub(super) const UNFINISHED: &str = "the funnel was not counted to its end";

/// A row of `entries.sql`: people who entered by a click.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Entered {
    pub(super) bucket: i64,
    pub(super) value: String,
    pub(super) people: u64,
    pub(super) open: u64,
    pub(super) first_people: u64,
    pub(super) first_open: u64,
}

impl Entered {
    /// People of whom nobody asks when or by what they entered, and those of them who have no more time.
    fn all(bucket: i64, people: u64, closed: u64) -> Self {
        let open = people.saturating_sub(closed);
        Self {
            bucket,
            value: String::new(),
            people,
            open,
            first_people: people,
            first_open: open,
        }
    }

    /// Less those who are counted otherwise.
    pub(super) fn take_off(&mut self, other: &Self) {
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
    pub(super) fn bucket(&self, at: i64) -> i64 {
        let second = at.div_euclid(1000);
        let place = self.edges.partition_point(|&edge| edge <= second);
        self.edges[place.saturating_sub(1)]
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

/// A row of `everybody.sql`.
#[derive(Debug, Row, Deserialize)]
struct Everybody {
    people: u64,
}

/// Has everybody counted who entered by a click, with those who are looked at one by one.
pub(super) async fn entered(
    api: &Api,
    question: &Question,
    entry: &Entry,
) -> Result<(Vec<Entered>, Read), Problem> {
    if question.by.is_some() || question.interval.is_some() {
        let asked = Asked::entries(question, entry);
        return asked.rows(api, question, entry, MOST_ENTRIES).await;
    }
    // Who entered before a moment was there before it. So times need not be compared, which would cost as much again.
    let (from, until) = (question.range.from.as_millisecond(), entry.until);
    let (held, read_of_held) = match question.enters_by_any_click() {
        true => {
            let of = &question.workspace;
            api.held.snapshot(of, (from, until)).await?
        }
        false => (None, Read::NOTHING),
    };
    if let Some(clicks) = held {
        let (open, edge) = (entry.open, entry.edges[0]);
        let count = api.held.count(UNFINISHED, move || {
            let (people, closed) = people(&clicks, (from, until), open);
            Entered::all(edge, people, closed)
        });
        return Ok((vec![count.await?], read_of_held));
    }
    let before = async |until: i64| {
        if until <= from {
            return Ok((0, Read::NOTHING));
        }
        let asked = Asked::everybody(question, until);
        let (rows, read) = asked.rows::<Everybody>(api, question, entry, 1).await?;
        Ok::<_, Problem>((rows.first().map_or(0, |row| row.people), read))
    };
    let ((people, read), (closed, read_of_closed)) = if entry.open < until {
        tokio::try_join!(before(until), before(entry.open))?
    } else {
        let (people, read) = before(until).await?;
        ((people, read), (people, Read::NOTHING))
    };
    let entered = Entered::all(entry.edges[0], people, closed);
    Ok((vec![entered], read + read_of_closed + read_of_held))
}

/// How many people clicked between two moments, and how many of them before `open`: clicks come in the order of their times. Who has no
/// visitor is one for each click, as in `everybody.sql`.
fn people(clicks: &Snapshot, (from, until): (i64, i64), open: i64) -> (u64, u64) {
    let mut seen = vec![false; clicks.visitors()];
    let (mut people, mut closed) = (0, 0);
    for (at, click) in clicks.between(from, until) {
        let is_new = match seen.get_mut(click.visitor as usize) {
            Some(seen) => !std::mem::replace(seen, true),
            None => true,
        };
        people += u64::from(is_new);
        if at < open {
            closed = people;
        }
    }
    (people, closed)
}
