//! One step of a funnel, or one exclusion: which events it asks for.

use serde_json::{Map, Value};

use crate::query::dimension::{Dimension, LINK, same};
use crate::query::filter::{self, Filter};
use crate::reports::span::Span;

/// The longest name of an event, in bytes: as long as a condition's value.
const LONGEST_NAME: usize = 2_048;

/// What page events can be filtered by.
const OF_PAGES: [Dimension; 6] = [
    same("page_host"),
    same("page_path"),
    same("name"),
    same("shared_by"),
    same("advocate"),
    LINK,
];

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A click that counts.
    Click,
    /// A page seen.
    Page,
    /// Any page event.
    Event,
    /// A lead.
    Lead,
    /// A sale.
    Sale,
    /// A lead or a sale.
    Conversion,
}

/// Where events of a kind are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Clicks,
    Pages,
    Conversions,
}

impl Kind {
    const ALL: [(&'static str, Self); 6] = [
        ("click", Self::Click),
        ("page", Self::Page),
        ("event", Self::Event),
        ("lead", Self::Lead),
        ("sale", Self::Sale),
        ("conversion", Self::Conversion),
    ];

    /// The name by which it is asked for.
    pub(super) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }

    /// Where its events are kept.
    pub(super) fn source(self) -> Source {
        match self {
            Self::Click => Source::Clicks,
            Self::Page | Self::Event => Source::Pages,
            Self::Lead | Self::Sale | Self::Conversion => Source::Conversions,
        }
    }

    /// The kinds of conversions that it is.
    pub(super) fn conversions(self) -> Vec<&'static str> {
        match self {
            Self::Lead => vec!["lead"],
            Self::Sale => vec!["sale"],
            Self::Conversion => vec!["lead", "sale"],
            Self::Click | Self::Page | Self::Event => Vec::new(),
        }
    }
}

/// Which events are meant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) kind: Kind,
    /// The name of a page event or a conversion.
    pub(super) name: Option<String>,
    /// Of a conversion.
    pub(super) currency: Option<String>,
    /// The least and the most that a conversion is worth, in minor units.
    pub(super) worth: (Option<i64>, Option<i64>),
    /// Of a click or a page event its own; of a conversion the click's to which it is owed.
    pub(super) filter: Option<Filter>,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) condition: Condition,
    /// The longest from the step before.
    pub(super) within: Option<Span>,
}

/// What may not be done between two steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exclusion {
    pub(super) condition: Condition,
    /// The steps between which, counted from 1.
    pub(super) between: (usize, usize),
}

/// Where something is wrong, and what.
pub(super) type Wrong = (String, String);

impl Step {
    /// Reads the step that stands at `place`, with this number.
    pub(super) fn read(value: Value, place: &str, number: usize) -> Result<Self, Wrong> {
        let mut fields = Fields::of(value, place)?;
        let within = fields.take("within", |value| span(&value, &Span::days(365)))?;
        if within.is_some() && number == 1 {
            let told = "is from the step before, and the first has none";
            return Err((format!("{place}.within"), told.to_owned()));
        }
        let condition = Condition::read(&mut fields)?;
        fields.end("within, ")?;
        Ok(Self { condition, within })
    }
}

impl Exclusion {
    /// Reads the exclusion that stands at `place` of a funnel with so many steps.
    pub(super) fn read(value: Value, place: &str, steps: usize) -> Result<Self, Wrong> {
        let mut fields = Fields::of(value, place)?;
        let between = fields.take("between", |value| {
            let pair = serde_json::from_value::<(usize, usize)>(value).ok();
            let pair = pair.filter(|(one, other)| (1..*other).contains(one) && *other <= steps);
            pair.ok_or(format!(
                "must be the numbers of two steps, from 1 to {steps}, the earlier first"
            ))
        })?;
        let Some(between) = between else {
            let told = "needs between, the numbers of two steps, such as [1, 2]";
            return Err((place.to_owned(), told.to_owned()));
        };
        let condition = Condition::read(&mut fields)?;
        fields.end("between, ")?;
        Ok(Self { condition, between })
    }
}

impl Condition {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Wrong> {
        let kind = fields.take("event", |value| {
            let found = Kind::ALL
                .iter()
                .find(|(name, _)| value.as_str() == Some(name));
            found
                .map(|(_, kind)| *kind)
                .ok_or("must be click, page, event, lead, sale or conversion".to_owned())
        })?;
        let Some(kind) = kind else {
            let told = "needs an event: click, page, event, lead, sale or conversion";
            return Err((fields.place.to_owned(), told.to_owned()));
        };
        let name = fields.take("name", |value| match value {
            _ if matches!(kind, Kind::Click | Kind::Page) => {
                Err(format!("is nothing that a {} has", kind.name()))
            }
            Value::String(name) if (1..=LONGEST_NAME).contains(&name.len()) => Ok(name),
            _ => Err(format!("must be a text of 1 to {LONGEST_NAME} bytes")),
        })?;
        let of_conversions = |value: Value| match kind.source() {
            Source::Conversions => Ok(value),
            Source::Clicks | Source::Pages => Err("is only of lead, sale and conversion"),
        };
        let minor = |value: Value| {
            let minor = of_conversions(value)?.as_i64();
            minor.ok_or("must be a whole number, in minor units")
        };
        let least = fields.take("min_amount_minor", |value| {
            minor(value).map_err(str::to_owned)
        })?;
        let most = fields.take("max_amount_minor", |value| {
            minor(value).map_err(str::to_owned)
        })?;
        let currency = fields.take("currency", |value| {
            match of_conversions(value)?.as_str() {
                Some(code) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
                    Ok(code.to_owned())
                }
                _ => Err("must be a code of ISO 4217, such as EUR"),
            }
            .map_err(str::to_owned)
        })?;
        if (least.is_some() || most.is_some()) && currency.is_none() {
            let told = "is needed, since an amount is in minor units of one";
            return Err((format!("{}.currency", fields.place), told.to_owned()));
        }
        let filter = match fields.fields.remove("filter") {
            None => None,
            Some(value) => {
                let place = format!("{}.filter", fields.place);
                let filter = match kind.source() {
                    Source::Pages => filter::read_of(&value, &place, &OF_PAGES),
                    Source::Clicks | Source::Conversions => filter::read(&value, &place),
                };
                Some(filter.map_err(|wrong| (wrong.place, wrong.detail))?)
            }
        };
        Ok(Self {
            kind,
            // A page seen is a page event of this name.
            name: match kind {
                Kind::Page => Some("page".to_owned()),
                _ => name,
            },
            currency,
            worth: (least, most),
            filter,
        })
    }
}

/// A length of time up to a longest.
pub(super) fn span(value: &Value, longest: &Span) -> Result<Span, String> {
    let span = value.as_str().and_then(|text| text.parse().ok());
    span.filter(|span| span <= longest).ok_or(format!(
        "must be a number with s, m, h or d, such as 30m, 12h or 7d, up to {longest}"
    ))
}

/// The fields of an object within a field.
struct Fields<'a> {
    fields: Map<String, Value>,
    place: &'a str,
}

impl<'a> Fields<'a> {
    fn of(value: Value, place: &'a str) -> Result<Self, Wrong> {
        match value {
            Value::Object(fields) => Ok(Self { fields, place }),
            _ => {
                let told = "must be an object, such as {\"event\": \"lead\"}";
                Err((place.to_owned(), told.to_owned()))
            }
        }
    }

    fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<Option<T>, Wrong> {
        let value = self.fields.remove(name);
        let value = value.map(read).transpose();
        value.map_err(|told| (format!("{}.{name}", self.place), told))
    }

    fn end(self, own: &str) -> Result<(), Wrong> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(name) => {
                let told = format!(
                    "is not known here; known are: event, {own}name, currency, min_amount_minor, max_amount_minor, filter"
                );
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                Err((format!("{}.{name}", self.place), told))
            }
        }
    }
}
