//! Which clicks are meant: conditions on dimensions, with and, or and not.
//!
//! A filter becomes text only out of fixed pieces; whatever a caller writes goes as a parameter.

use clickhouse::query::Query as Statement;
use regex::RegexBuilder;
use serde_json::{Map, Value};
use whence_core::id::LinkId;

use super::dimension::{DIMENSIONS, Dimension, HOUR_OF_WEEK};
use crate::fields::Body;

/// How deep a filter may be.
const DEEPEST: usize = 8;
/// How many conditions it may have.
const MOST_CONDITIONS: usize = 100;
/// How many values one of them may have.
const MOST_VALUES: usize = 1_000;
/// The longest value, in bytes.
const LONGEST_VALUE: usize = 2_048;
/// The longest pattern, in bytes.
const LONGEST_PATTERN: usize = 256;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Condition {
        dimension: Dimension,
        test: Test,
        values: Vec<String>,
    },
}

/// What a condition asks of a value. Where a click has several, one of them must pass; `is_not` and its like are the opposite
/// of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Is,
    Contains,
    Matches,
}

/// What is wrong with a filter, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) place: String,
    pub(crate) detail: String,
}

/// Takes `filter`, of clicks, out of a body.
pub(crate) fn of_body(body: &mut Body) -> Option<Filter> {
    body.read_within("filter", |value: Value| {
        read(&value, "").map_err(|wrong| (wrong.place, wrong.detail))
    })
}

/// Reads a filter of clicks that stands at `place`.
pub(crate) fn read(value: &Value, place: &str) -> Result<Filter, Wrong> {
    read_of(value, place, &DIMENSIONS)
}

/// Reads a filter of what has these dimensions.
pub(crate) fn read_of(value: &Value, place: &str, known: &[Dimension]) -> Result<Filter, Wrong> {
    let mut conditions = 0;
    node(value, place, 0, &mut conditions, known)
}

fn node(
    value: &Value,
    place: &str,
    depth: usize,
    conditions: &mut usize,
    known: &[Dimension],
) -> Result<Filter, Wrong> {
    let wrong = |detail: &str| wrong(place, detail);
    if depth > DEEPEST {
        return Err(wrong("is nested too deep: at most 8 levels"));
    }
    let Value::Object(object) = value else {
        return Err(wrong(
            "must be an object: {\"and\": […]}, {\"or\": […]}, {\"not\": {…}} or {\"dimension\": …, \"is\": …}",
        ));
    };
    let mut list = |name: &str, parts: &Value| {
        let place = format!("{place}.{name}");
        let Value::Array(parts) = parts else {
            return Err(self::wrong(&place, "must be a list"));
        };
        if parts.is_empty() {
            return Err(self::wrong(&place, "must not be empty"));
        }
        let each = |(number, part)| {
            let place = format!("{place}[{number}]");
            node(part, &place, depth + 1, conditions, known)
        };
        parts.iter().enumerate().map(each).collect::<Result<_, _>>()
    };
    match single(object) {
        Some(("and", parts)) => Ok(Filter::And(list("and", parts)?)),
        Some(("or", parts)) => Ok(Filter::Or(list("or", parts)?)),
        Some(("not", part)) => {
            let place = format!("{place}.not");
            let part = node(part, &place, depth + 1, conditions, known)?;
            Ok(Filter::Not(Box::new(part)))
        }
        _ => {
            *conditions += 1;
            if *conditions > MOST_CONDITIONS {
                return Err(wrong("is one of too many: at most 100 conditions"));
            }
            condition(object, place, known)
        }
    }
}

fn single(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = object.iter();
    let (name, value) = fields.next()?;
    fields.next().is_none().then_some((name, value))
}

fn condition(
    object: &Map<String, Value>,
    place: &str,
    known: &[Dimension],
) -> Result<Filter, Wrong> {
    const TESTS: [(&str, Test, bool, bool); 7] = [
        ("is", Test::Is, false, false),
        ("is_not", Test::Is, true, false),
        ("in", Test::Is, false, true),
        ("not_in", Test::Is, true, true),
        ("contains", Test::Contains, false, false),
        ("contains_not", Test::Contains, true, false),
        ("matches", Test::Matches, false, false),
    ];
    let Some(name) = object.get("dimension") else {
        return Err(wrong(place, "needs a dimension"));
    };
    let at = format!("{place}.dimension");
    let name = name.as_str().ok_or_else(|| wrong(&at, "must be a text"))?;
    let dimension = Dimension::find(name, known).map_err(|told| wrong(&at, &told))?;
    let mut rest = object.iter().filter(|(field, _)| *field != "dimension");
    let (Some((field, value)), None) = (rest.next(), rest.next()) else {
        return Err(wrong(place, "must ask one thing of the dimension"));
    };
    let at = format!("{place}.{field}");
    let Some((_, test, negated, several)) = TESTS.iter().find(|(name, ..)| name == field) else {
        let told =
            "is not known: there are is, is_not, in, not_in, contains, contains_not and matches";
        return Err(wrong(&at, told));
    };
    let values = match (several, value) {
        (false, value) => vec![text(value, dimension, *test, &at)?],
        (true, Value::Array(values)) if (1..=MOST_VALUES).contains(&values.len()) => values
            .iter()
            .enumerate()
            .map(|(number, value)| text(value, dimension, *test, &format!("{at}[{number}]")))
            .collect::<Result<_, _>>()?,
        (true, _) => return Err(wrong(&at, "must be a list of 1 to 1000 texts")),
    };
    let condition = Filter::Condition {
        dimension,
        test: *test,
        values,
    };
    Ok(match negated {
        true => Filter::Not(Box::new(condition)),
        false => condition,
    })
}

fn text(value: &Value, dimension: Dimension, test: Test, at: &str) -> Result<String, Wrong> {
    let Value::String(text) = value else {
        return Err(wrong(at, "must be a text"));
    };
    match test {
        Test::Is if dimension.is_link() => {
            let id = text.parse::<LinkId>();
            let id = id.map_err(|error| wrong(at, &format!("is no link's id: it {error}")))?;
            Ok(id.0.to_string())
        }
        _ if dimension.is_link() => Err(wrong(at, "cannot be asked of a link's id")),
        Test::Matches => {
            if text.len() > LONGEST_PATTERN {
                return Err(wrong(at, "must have at most 256 bytes"));
            }
            // ClickHouse's RE2 knows nothing that this does not, and both run in linear time.
            let pattern = RegexBuilder::new(text).size_limit(1 << 20).build();
            pattern.map_err(|_| wrong(at, "is no regular expression (RE2's syntax)"))?;
            Ok(text.clone())
        }
        Test::Contains if text.is_empty() => Err(wrong(at, "must not be empty")),
        _ if text.len() > LONGEST_VALUE => Err(wrong(at, "must have at most 2048 bytes")),
        _ => Ok(text.clone()),
    }
}

fn wrong(place: &str, detail: &str) -> Wrong {
    Wrong {
        place: place.to_owned(),
        detail: detail.to_owned(),
    }
}

/// A filter as a predicate, and the parameters that it names.
#[derive(Debug, Default)]
pub(crate) struct Predicate {
    /// The text.
    pub(crate) text: String,
    /// Columns and values by their names.
    pub(crate) parameters: Vec<Parameter>,
    /// Stands before the names of the parameters, where a statement has several predicates.
    prefix: String,
    /// Whether it stands where clicks are as they are stored, and not behind `sql/query/selected.sql`.
    of_stored: bool,
}

/// A parameter of a predicate.
#[derive(Debug, PartialEq)]
pub(crate) enum Parameter {
    /// One text: a column, a pattern.
    One(String, String),
    /// Several texts.
    List(String, Vec<String>),
}

impl Predicate {
    /// Of a filter; of none, all.
    pub(crate) fn of(filter: Option<&Filter>) -> Self {
        Self::named(filter, String::new())
    }

    /// As [`of`](Self::of), with names of parameters of its own.
    pub(crate) fn named(filter: Option<&Filter>, prefix: String) -> Self {
        Self {
            prefix,
            ..Self::default()
        }
        .with(filter)
    }

    /// As [`of`](Self::of), where clicks are as they are stored.
    pub(crate) fn of_stored(filter: Option<&Filter>) -> Self {
        Self {
            of_stored: true,
            ..Self::default()
        }
        .with(filter)
    }

    fn with(mut self, filter: Option<&Filter>) -> Self {
        match filter {
            Some(filter) => self.add(filter),
            None => self.text.push('1'),
        }
        self
    }

    /// Gives a statement the parameters that the text names.
    pub(crate) fn put(&self, mut statement: Statement) -> Statement {
        for parameter in &self.parameters {
            statement = match parameter {
                Parameter::One(name, value) => statement.param(name, value),
                Parameter::List(name, values) => statement.param(name, values),
            };
        }
        statement
    }

    fn add(&mut self, filter: &Filter) {
        match filter {
            Filter::And(parts) => self.join(parts, include_str!("../../../sql/query/and.sql")),
            Filter::Or(parts) => self.join(parts, include_str!("../../../sql/query/or.sql")),
            Filter::Not(part) => {
                self.text
                    .push_str(include_str!("../../../sql/query/not.sql").trim_end());
                self.text.push('(');
                self.add(part);
                self.text.push(')');
            }
            Filter::Condition {
                dimension,
                test,
                values,
            } => self.condition(*dimension, *test, values),
        }
    }

    fn join(&mut self, parts: &[Filter], word: &str) {
        for (number, part) in parts.iter().enumerate() {
            self.text
                .push_str(if number == 0 { "(" } else { word.trim_end() });
            self.text.push_str(if number == 0 { "" } else { " " });
            self.add(part);
            self.text.push(' ');
        }
        self.text.push(')');
    }

    fn condition(&mut self, dimension: Dimension, test: Test, values: &[String]) {
        let piece = match (dimension.list(), test) {
            (None, Test::Is) => include_str!("../../../sql/query/is.sql"),
            (None, Test::Contains) => include_str!("../../../sql/query/contains.sql"),
            (None, Test::Matches) => include_str!("../../../sql/query/matches.sql"),
            (Some(_), Test::Is) => include_str!("../../../sql/query/one_is.sql"),
            (Some(_), Test::Contains) => include_str!("../../../sql/query/one_contains.sql"),
            (Some(_), Test::Matches) => include_str!("../../../sql/query/one_matches.sql"),
        };
        let number = self.parameters.len();
        let prefix = &self.prefix;
        let (column, value) = (
            format!("{prefix}column_{number}"),
            format!("{prefix}value_{number}"),
        );
        let piece = without_comments(piece).replace("{value", &format!("{{{value}"));
        if self.of_stored && dimension == HOUR_OF_WEEK {
            let hour = without_comments(include_str!("../../../sql/query/hour_of_week.sql"));
            self.text
                .push_str(&piece.replace("{column:Identifier}", &hour));
        } else {
            self.text
                .push_str(&piece.replace("{column", &format!("{{{column}")));
            let name = dimension.list().unwrap_or(dimension.column);
            self.parameters
                .push(Parameter::One(column, name.to_owned()));
        }
        self.parameters.push(match (test, values) {
            (Test::Is, values) => Parameter::List(value, values.to_vec()),
            (_, [one]) => Parameter::One(value, one.clone()),
            _ => unreachable!("only `is` takes several"),
        });
    }
}

/// The lines of a file that are not comments.
pub(crate) fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}
