//! What the columns of a report are called, and what stands in them.

use serde_json::Value;

/// What a cell holds. Ordered: of two kinds the later one holds what the earlier one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nothing yet.
    Empty,
    /// Yes or no.
    Flag,
    /// A whole number of 64 bits.
    Whole,
    /// A number.
    Number,
    /// An instant, as JSON writes it.
    Time,
    /// A text, and everything else as its JSON.
    Text,
}

impl Kind {
    /// The narrowest kind of a value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Bool(_) => Self::Flag,
            Value::Number(number) if number.is_i64() => Self::Whole,
            Value::Number(_) => Self::Number,
            Value::String(_) | Value::Array(_) | Value::Object(_) => Self::Text,
        }
    }

    /// The narrowest kind that holds both.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, kind) | (kind, Self::Empty) => kind,
            (Self::Whole, Self::Number) | (Self::Number, Self::Whole) => Self::Number,
            // Instants are texts in JSON: who knows better has said so.
            (Self::Time, Self::Text) | (Self::Text, Self::Time) => Self::Time,
            (one, other) if one == other => one,
            _ => Self::Text,
        }
    }
}

/// What a field of a row is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value.
    One(Kind),
    /// An object with these fields, or nothing.
    Of(&'static [(&'static str, Kind)]),
    /// A list with an entry for each currency: how many columns it makes is known when the rows are.
    Money,
}

/// A field of a report's rows that is always there, so that its columns are, even without a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The field's name; of a field in a field both, with a dot between them.
    pub(crate) name: String,
    /// What it is made of.
    pub(crate) shape: Shape,
}

impl Column {
    /// A field of this name.
    pub(crate) fn new(name: impl Into<String>, shape: Shape) -> Self {
        Self {
            name: name.into(),
            shape,
        }
    }

    /// The columns that stand whatever the rows hold.
    pub(super) fn certain(&self) -> Vec<(String, Kind)> {
        match self.shape {
            Shape::One(kind) => vec![(self.name.clone(), kind)],
            Shape::Of(fields) => {
                let column =
                    |(field, kind): &(&str, Kind)| (format!("{}.{field}", self.name), *kind);
                fields.iter().map(column).collect()
            }
            Shape::Money => Vec::new(),
        }
    }
}
