//! Puts the files of `sql/overview` together. No word of a caller's ever stands in the text: what is put in are numbers that
//! are counted here.

use clickhouse::query::Query as Statement;

use super::super::dimension::Dimension;
use super::super::filter::{Predicate, without_comments};
use super::super::question::Question;
use super::super::statement::{Opening, Stored, put_opening};
use super::rollup::are_hours;
use super::words::{Field, Of, Unit};
use crate::reports::range::Range;

macro_rules! piece {
    ($file:literal) => {
        without_comments(include_str!(concat!("../../../../sql/", $file)))
    };
}

/// The part of a breakdown in every statement; 0 are all clicks together, 1 the intervals.
pub(super) fn part(number: usize) -> u8 {
    u8::try_from(number + 2).expect("a dozen breakdowns at most")
}

/// What the statements of one overview have in common.
#[derive(Debug)]
pub(super) struct Statements<'a> {
    question: &'a Question,
    dimensions: &'a [Dimension],
    opening: String,
    predicate: Predicate,
}

impl<'a> Statements<'a> {
    /// For the clicks of a question, by these dimensions, of which a click has one value each.
    pub(super) fn of(question: &'a Question, dimensions: &'a [Dimension]) -> Self {
        let (opening, predicate) = keyed(question, dimensions, Stored::Clicks);
        Self {
            question,
            dimensions,
            opening,
            predicate,
        }
    }

    /// How often each interval and each value was clicked.
    pub(super) fn counted(&self) -> String {
        let cells = self.by_parts(&piece!("overview/cells.sql"));
        self.behind_opening(&piece!("overview/counted.sql").replace("CELLS", &cells))
    }

    /// The same out of rollups, by the dimensions with these numbers.
    pub(super) fn rolled(&self, numbers: &[usize]) -> String {
        let (links, others): (Vec<usize>, Vec<usize>) = numbers
            .iter()
            .partition(|number| self.dimensions[**number].is_link());
        let mut cells = vec![
            piece!("overview/rolled_series.sql"),
            with_parts(&others, &piece!("overview/rolled.sql")),
        ];
        let mut text = piece!("overview/hours.sql");
        if !links.is_empty() {
            text.push('\n');
            text.push_str(&piece!("overview/days.sql"));
            cells.push(with_parts(&links, &piece!("overview/rolled_links.sql")));
        }
        let counted = piece!("overview/counted.sql").replace("CELLS", &cells.join("\n"));
        text + "\n" + &counted
    }

    /// How often each value of the dimensions with these numbers was clicked.
    pub(super) fn unrolled(&self, numbers: &[usize]) -> String {
        let cells = by_parts_of(numbers, &piece!("overview/unrolled.sql"));
        self.behind_opening(&piece!("overview/counted.sql").replace("CELLS", &cells))
    }

    /// What it led to.
    pub(super) fn converted(&self) -> String {
        let stored = Stored::to_convert(self.question.traffic);
        let (opening, _) = keyed(self.question, self.dimensions, stored);
        [
            piece!("reports/open.sql"),
            piece!("reports/recorded.sql"),
            piece!("reports/attributed.sql"),
            piece!("carried/every.sql"),
            opening,
            self.by_parts(&piece!("overview/converted.sql")),
        ]
        .join("\n")
    }

    /// By how many visitors.
    pub(super) fn visitors(&self, fields: &[Field]) -> String {
        let words = fields.iter().map(|field| field.word + 1).max().unwrap_or(0);
        let word = |number: usize| {
            let bits = fields.iter().enumerate();
            let bits = bits.filter(|(_, field)| field.word == number);
            let bits: Vec<_> = bits.map(|(place, field)| self.bits(place, field)).collect();
            numbered(&piece!("overview/word.sql"), number).replace("FIELDS", &bits.join(" + "))
        };
        let bits: Vec<_> = (0..words).map(word).collect();
        let units = Unit::of(fields);
        let of_each_unit = |piece: String| {
            let each = |unit: &Unit| {
                numbered(&piece, unit.number)
                    .replace("WORD", &unit.word().to_string())
                    .replace("SHIFT", &unit.first().to_string())
            };
            units.iter().map(each).collect::<Vec<_>>().join("\n")
        };
        let text = piece!("overview/visitors.sql")
            .replace("BITS", &bits.join("\n"))
            .replace("UNITS", &of_each_unit(piece!("overview/unit.sql")))
            .replace("NUMBERS", &of_each_unit(piece!("overview/unit_number.sql")))
            .replace("MASKS", &of_each_unit(piece!("overview/unit_mask.sql")))
            .replace("EACH", &of_each_unit(piece!("overview/unit_set.sql")));
        self.behind_opening(&text)
    }

    /// A statement about all clicks of the question.
    fn behind_opening(&self, text: &str) -> String {
        [&piece!("reports/open.sql"), &self.opening, text].join("\n")
    }

    fn bits(&self, place: usize, field: &Field) -> String {
        let text = match field.of {
            Of::Intervals(_) => piece!("overview/interval_bits.sql"),
            Of::Values(number) if self.dimensions[number].is_link() => {
                numbered(&piece!("overview/link_bits.sql"), number)
            }
            Of::Values(number) if self.dimensions[number].is_text() => {
                numbered(&piece!("overview/text_bits.sql"), number)
            }
            Of::Values(number) => numbered(&piece!("overview/shown_bits.sql"), number),
        };
        text.replace("FIELD", &place.to_string())
    }

    fn by_parts(&self, text: &str) -> String {
        let all: Vec<usize> = (0..self.dimensions.len()).collect();
        by_parts_of(&all, text)
    }

    /// Gives any of the statements the parameters that all have, for this range, cut at these edges.
    pub(super) fn put(&self, statement: Statement, range: &Range, edges: &[i64]) -> Statement {
        let statement = put_opening(&self.predicate, statement, self.question, range);
        let statement = statement
            .param("edges", edges)
            .param("whole_hours", u8::from(are_hours(edges)));
        let dimensions = self.dimensions.iter().enumerate();
        dimensions.fold(statement, |statement, (number, dimension)| {
            statement.param(&format!("by_{number}"), dimension.column)
        })
    }
}

/// The clicks of a question with what they are told apart by, and the filter in it.
fn keyed(question: &Question, dimensions: &[Dimension], stored: Stored) -> (String, Predicate) {
    let Opening {
        mut text,
        clicks,
        predicate,
    } = Opening::of(question, stored);
    let values = of_each(dimensions.len(), &piece!("overview/value.sql"));
    let keyed = piece!("overview/keyed.sql");
    text.push('\n');
    text.push_str(&keyed.replace("CLICKS", clicks).replace("VALUES", &values));
    (text, predicate)
}

/// A text with a line for each of these breakdowns where it names them.
fn by_parts_of(numbers: &[usize], text: &str) -> String {
    text.replace("PARTS", &with_parts(numbers, &piece!("overview/part.sql")))
        .replace("KEYS", &with_parts(numbers, &piece!("overview/key.sql")))
        .replace("EACH", &with_parts(numbers, &piece!("overview/set.sql")))
}

/// A piece for each of these breakdowns.
fn with_parts(numbers: &[usize], piece: &str) -> String {
    let each = |&number| numbered(piece, number).replace("PART", &part(number).to_string());
    numbers.iter().map(each).collect::<Vec<_>>().join("\n")
}

/// A piece for each number below this.
fn of_each(count: usize, piece: &str) -> String {
    let each = |number| numbered(piece, number);
    (0..count).map(each).collect::<Vec<_>>().join("\n")
}

fn numbered(piece: &str, number: usize) -> String {
    piece.replace("NUMBER", &number.to_string())
}
