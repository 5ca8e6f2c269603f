//! Has a range counted, and puts together what ClickHouse says.
//!
//! Readings are few, whatever is asked: clicks, from which it is known which values are shown; then, of these, visitors and what
//! the clicks led to. What a click may have several of (tags, reasons) is asked as a query asks it.

use std::collections::HashMap;

use axum::http::StatusCode;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde::Deserialize;
use whence_core::problem::Problem;

use super::super::answer::{Counted, Told};
use super::super::dimension::Dimension;
use super::super::route::ask;
use super::super::statement::{Query, Wanted};
use super::answer::{Breakdown, Counts};
use super::clicks::{Clicked, Clicks, Where, clicks};
use super::held;
use super::question::Overview;
use super::reading::Reading;
use super::rollup::{self, HOUR_MS};
use super::statement::{Statements, part};
use super::words::{BITS, Field, Of, Unit, lay_out};
use crate::api::Api;
use crate::problems::field;
use crate::reports::interval::starts;
use crate::reports::money::Sums;
use crate::reports::range::Range;
use crate::reports::warehouse::Read;

/// Intervals whose visitors are noted as bits: ten days of hours. Of more each has few, and counting them one by one is cheap.
const MOST_BITS: usize = 4 * BITS;

/// A row of `sql/overview/visitors.sql`.
#[derive(Debug, Row, Deserialize)]
struct Seen {
    unit: u8,
    bit: u64,
    visitors: u64,
}

/// A row of `sql/overview/converted.sql`.
#[derive(Debug, Row, Deserialize)]
struct Led {
    part: u8,
    bucket: i64,
    key: String,
    leads: u64,
    sales: u64,
    converted_clicks: u64,
    sold: Sums,
    refunded: Sums,
}

/// The unit of all visitors together, as `sql/overview/visitors.sql` has it.
const ALL: u8 = 255;

/// Counts a range; of each breakdown the values with the most clicks, or those of another range.
pub(super) async fn count(
    api: &Api,
    overview: &Overview,
    range: &Range,
    of: Option<&Counts>,
) -> Result<(Counts, Read), Problem> {
    let question = &overview.series;
    let interval = question.interval.expect("an overview has a series");
    let cut = starts(interval, range)
        .map_err(|too_many| field(StatusCode::UNPROCESSABLE_ENTITY, "interval", too_many))?;
    let single = |dimension: &Dimension| dimension.list().is_none();
    let dimensions: Vec<_> = overview.breakdowns.iter().copied().filter(single).collect();
    let (mut cells, counted, mut read) =
        at_once(api, overview, range, &cut, &dimensions, of).await?;

    let mut rollups = Vec::new();
    if counted == Where::Rolled {
        if cut.len() <= MOST_BITS {
            rollups.extend(["totals", "rows"]);
        }
        let names = dimensions.iter().filter(|one| rollup::has(**one, range));
        rollups.extend(names.map(|one| one.name));
    }
    let series = if cut.len() > MOST_BITS {
        let (told, cost) = ask(api, question, &Query::of(question), range, Wanted::Page).await?;
        read = read + cost;
        told
    } else {
        let rows = cells.take(0).chain(cells.take(1)).collect();
        Told::new(cut, rows)
    };
    let mut breakdowns = Vec::new();
    let mut number = 0;
    for (place, &dimension) in overview.breakdowns.iter().enumerate() {
        if single(&dimension) {
            let rows: Vec<_> = cells.take(part(number)).collect();
            breakdowns.push(Breakdown {
                dimension,
                groups: rows.first().map_or(0, |row| row.groups),
                rows,
            });
            number += 1;
            continue;
        }
        let question = overview.by(dimension);
        let wanted = of.map_or(Wanted::Page, |of| {
            let rows = of.breakdowns[place].rows.iter();
            Wanted::Keys(rows.map(Counted::keys).collect())
        });
        let (told, cost) = ask(api, &question, &Query::of(&question), range, wanted).await?;
        read = read + cost;
        breakdowns.push(Breakdown {
            dimension,
            groups: told.total.groups,
            rows: told.rows,
        });
    }
    let counts = Counts {
        series,
        breakdowns,
        rollups,
        held: counted == Where::Held,
    };
    Ok((counts, read))
}

/// What was counted so far, part by part, in the order of the first statement.
#[derive(Debug, Default)]
struct Cells {
    cells: Vec<(u8, Counted)>,
    places: HashMap<(u8, i64, String), usize>,
}

impl Cells {
    fn new(rows: Vec<Clicked>) -> Self {
        let mut all = Self::default();
        for (place, row) in rows.into_iter().enumerate() {
            let key = (row.part, row.bucket, row.key.clone());
            all.places.insert(key, place);
            let counted = Counted {
                is_total: u8::from(row.part == 0),
                bucket: row.bucket,
                key_1: row.key,
                groups: row.groups,
                clicks: row.clicks,
                ..Counted::default()
            };
            all.cells.push((row.part, counted));
        }
        all
    }

    fn get(&mut self, part: u8, bucket: i64, key: &str) -> Option<&mut Counted> {
        let place = self.places.get(&(part, bucket, key.to_owned()))?;
        Some(&mut self.cells[*place].1)
    }

    /// The values of a part that are shown.
    fn keys(&self, part: u8) -> impl Iterator<Item = &str> {
        let of_part = self.cells.iter().filter(move |(of, _)| *of == part);
        of_part.map(|(_, counted)| counted.key_1.as_str())
    }

    fn take(&mut self, part: u8) -> std::vec::IntoIter<Counted> {
        let of_part = self.cells.iter().filter(|(of, _)| *of == part);
        let rows: Vec<_> = of_part.map(|(_, counted)| counted.clone()).collect();
        rows.into_iter()
    }
}

/// All that can be counted in the three readings, and where the clicks were.
async fn at_once(
    api: &Api,
    overview: &Overview,
    range: &Range,
    cut: &[Timestamp],
    dimensions: &[Dimension],
    of: Option<&Counts>,
) -> Result<(Cells, Where, Read), Problem> {
    let edges: Vec<i64> = cut.iter().map(|at| at.as_second()).collect();
    let wanted = of.map(|of| wanted(of, dimensions));
    let reading = Reading {
        api,
        overview,
        statements: Statements::of(&overview.series, dimensions),
        range,
        edges: &edges,
        dimensions,
        wanted: wanted.as_deref(),
    };
    // What clicks led to needs not wait until it is known which values are shown: there are few others.
    let ((mut cells, counted, seen_read), (led, led_read)) =
        tokio::try_join!(reading.clicked_and_seen(), reading.converted())?;
    for row in led {
        if let Some(cell) = cells.get(row.part, row.bucket, &row.key) {
            cell.leads = row.leads;
            cell.sales = row.sales;
            cell.converted_clicks = row.converted_clicks;
            cell.sold = row.sold;
            cell.refunded = row.refunded;
        }
    }
    Ok((cells, counted, seen_read + led_read))
}

impl Reading<'_> {
    /// Counts clicks, and of the values that are then shown the visitors.
    async fn clicked_and_seen(&self) -> Result<(Cells, Where, Read), Problem> {
        let (held, held_read) = self.held().await?;
        if let Some(cells) = held {
            return Ok((cells, Where::Held, held_read));
        }
        let Clicks {
            rows,
            counted,
            read,
        } = clicks(self).await?;
        let read = read + held_read;
        let mut cells = Cells::new(rows);
        let any = cells.get(0, 0, "").is_some_and(|total| total.clicks > 0);
        if !any {
            return Ok((cells, counted, read));
        }

        let keys: Vec<Vec<String>> = (0..self.dimensions.len())
            .map(|number| cells.keys(part(number)).map(str::to_owned).collect())
            .collect();
        let intervals = if self.edges.len() > MOST_BITS {
            0
        } else {
            self.edges.len()
        };
        let counts: Vec<usize> = keys.iter().map(Vec::len).collect();
        let fields = lay_out(intervals, &counts);
        let text = self.statements.visitors(&fields);
        let put = |statement| {
            let statement = self.statements.put(statement, self.range, self.edges);
            let fields = fields.iter().enumerate();
            fields.fold(statement, |statement, (place, field)| {
                put_field(statement, place, field, self.edges, &keys, self.dimensions)
            })
        };
        let (seen, seen_read) = self.ask::<Seen>("overview_visitors", &text, put).await?;
        for row in seen {
            note_visitors(&mut cells, &row, &fields, self.edges, &keys);
        }
        Ok((cells, counted, read + seen_read))
    }

    /// Counts both in memory, where the clicks are held.
    async fn held(&self) -> Result<(Option<Cells>, Read), Problem> {
        let Some(question) = held::Question::of(self) else {
            return Ok((None, Read::NOTHING));
        };
        let held = &self.api.held;
        let workspace = &self.overview.series.workspace;
        let (clicks, read) = held.snapshot(workspace, self.range.ms()).await?;
        let Some(clicks) = clicks else {
            return Ok((None, read));
        };
        let counted = held.count("the overview was not counted to its end", move || {
            question.count(&clicks)
        });
        let (rows, visitors): (Vec<Clicked>, Vec<u64>) = counted.await?.into_iter().unzip();
        let mut cells = Cells::new(rows);
        for ((_, cell), visitors) in cells.cells.iter_mut().zip(visitors) {
            cell.visitors = visitors;
        }
        Ok((Some(cells), read))
    }

    /// Counts what clicks led to.
    async fn converted(&self) -> Result<(Vec<Led>, Read), Problem> {
        let hour = |ms: i64| ms.div_euclid(HOUR_MS) * HOUR_MS;
        let behind = self.range.to.as_millisecond() + HOUR_MS - 1;
        let put = |statement| {
            self.statements
                .put(statement, self.range, self.edges)
                .param("first_hour_ms", hour(self.range.from.as_millisecond()))
                .param("behind_hour_ms", hour(behind))
        };
        let text = self.statements.converted();
        self.ask("overview_converted", &text, put).await
    }
}

/// The values that another range shows, by part.
fn wanted(of: &Counts, dimensions: &[Dimension]) -> Vec<(u8, String)> {
    let mut wanted = Vec::new();
    for breakdown in &of.breakdowns {
        let number = dimensions
            .iter()
            .position(|one| *one == breakdown.dimension);
        if let Some(number) = number {
            let rows = breakdown.rows.iter();
            wanted.extend(rows.map(|row| (part(number), row.key_1.clone())));
        }
    }
    wanted
}

/// Gives a statement what the bits of a field stand for.
fn put_field(
    statement: Statement,
    place: usize,
    field: &Field,
    edges: &[i64],
    keys: &[Vec<String>],
    dimensions: &[Dimension],
) -> Statement {
    let name = format!("keys_{place}");
    let statement = statement.param(&format!("bits_{place}"), field.bits());
    match field.of {
        Of::Intervals(first) => statement.param(&name, &edges[first..first + field.count]),
        Of::Values(number) if dimensions[number].is_link() => {
            let numbers: Vec<u64> = keys[number]
                .iter()
                .map(|key| key.parse().expect("links are told by their numbers"))
                .collect();
            statement.param(&name, numbers)
        }
        Of::Values(number) => statement.param(&name, &keys[number]),
    }
}

/// Writes down how many visitors a bit stands for.
fn note_visitors(
    cells: &mut Cells,
    row: &Seen,
    fields: &[Field],
    edges: &[i64],
    keys: &[Vec<String>],
) {
    let unit = Unit {
        number: usize::from(row.unit),
    };
    let (word, bit) = (unit.word(), unit.first() + row.bit as usize);
    let cell = if row.unit == ALL {
        cells.get(0, 0, "")
    } else {
        let of_word = fields.iter().filter(|field| field.word == word);
        let found = of_word
            .filter_map(|field| field.place(bit).map(|place| (field, place)))
            .next();
        found.and_then(|(field, place)| match field.of {
            Of::Intervals(first) => cells.get(1, edges[first + place], ""),
            Of::Values(number) => cells.get(part(number), 0, &keys[number][place]),
        })
    };
    if let Some(cell) = cell {
        cell.visitors = row.visitors;
    }
}
