//! Rows laid out in columns: objects flattened, each row with every column, always in the same order.
//!
//! A field that is an object makes a column of each of its fields, `conversion_rate.low`; a list with an entry for each currency
//! makes a column of each field and currency, `revenue.EUR.amount_minor`. Any other list is one cell with its JSON. Columns stand
//! in the order in which the report names its fields, those that it does not name behind them by the alphabet, and the
//! currencies of a field by theirs.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::column::{Column, Kind};

/// The deepest that objects are taken apart; below it a cell holds JSON.
const DEEPEST: usize = 6;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// The columns' names and kinds.
    pub(super) columns: Vec<(String, Kind)>,
    /// The cells of each row, as many as there are columns; null where it has none.
    pub(super) rows: Vec<Vec<Value>>,
}

impl Table {
    /// The table of these rows, whose report names these fields.
    pub(super) fn new(named: &[Column], rows: Vec<Value>) -> Self {
        let flat: Vec<BTreeMap<String, Value>> = rows.into_iter().map(flat).collect();
        let mut found: BTreeMap<String, Kind> = BTreeMap::new();
        for (name, value) in flat.iter().flatten() {
            let kind = Kind::of(value);
            match found.get_mut(name) {
                Some(known) => *known = known.with(kind),
                None => {
                    found.insert(name.clone(), kind);
                }
            }
        }
        // A field that is an object in some rows and null in others is told by its fields alone.
        let parents: Vec<String> = found
            .iter()
            .filter(|(name, kind)| **kind == Kind::Empty && has_parts(&found, name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in parents {
            found.remove(&name);
        }
        let mut columns = Vec::with_capacity(found.len());
        for field in named {
            for (name, kind) in field.certain() {
                let kind = kind.with(found.remove(&name).unwrap_or(Kind::Empty));
                columns.push((name, kind));
            }
            let inside = format!("{}.", field.name);
            let is_of = |name: &str| name == field.name || name.starts_with(&inside);
            let more: Vec<String> = found.keys().filter(|name| is_of(name)).cloned().collect();
            for name in more {
                let is_certain = columns.iter().any(|(known, _)| known.starts_with(&inside));
                if let Some(kind) = found.remove(&name)
                    && !(kind == Kind::Empty && name == field.name && is_certain)
                {
                    columns.push((name, kind));
                }
            }
        }
        columns.extend(found);
        let places: HashMap<&str, usize> = columns
            .iter()
            .enumerate()
            .map(|(place, (name, _))| (name.as_str(), place))
            .collect();
        let width = columns.len();
        let row = |cells: BTreeMap<String, Value>| {
            let mut row = vec![Value::Null; width];
            for (name, value) in cells {
                if let Some(place) = places.get(name.as_str()) {
                    row[*place] = value;
                }
            }
            row
        };
        let rows = flat.into_iter().map(row).collect();
        Self { columns, rows }
    }
}

fn has_parts(found: &BTreeMap<String, Kind>, name: &str) -> bool {
    let inside = format!("{name}.");
    let mut behind = found.range(inside.clone()..);
    behind
        .next()
        .is_some_and(|(next, _)| next.starts_with(&inside))
}

fn flat(row: Value) -> BTreeMap<String, Value> {
    let mut cells = BTreeMap::new();
    match row {
        Value::Object(fields) => {
            for (name, value) in fields {
                add(&mut cells, name, value, 1);
            }
        }
        // No report has such rows; should one, what it says is not lost.
        other => {
            cells.insert("value".to_owned(), other);
        }
    }
    cells
}

fn add(cells: &mut BTreeMap<String, Value>, name: String, value: Value, depth: usize) {
    match value {
        Value::Object(fields) if depth < DEEPEST && !fields.is_empty() => {
            for (field, value) in fields {
                add(cells, format!("{name}.{field}"), value, depth + 1);
            }
        }
        Value::Array(entries)
            if depth < DEEPEST && entries.iter().all(|entry| currency(entry).is_some()) =>
        {
            for entry in entries {
                let Value::Object(mut fields) = entry else {
                    continue;
                };
                let Some(Value::String(code)) = fields.remove("currency") else {
                    continue;
                };
                for (field, value) in fields {
                    add(cells, format!("{name}.{code}.{field}"), value, depth + 2);
                }
            }
        }
        other => {
            cells.insert(name, other);
        }
    }
}

fn currency(entry: &Value) -> Option<&str> {
    entry
        .as_object()
        .and_then(|fields: &Map<String, Value>| fields.get("currency")?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::column::Shape;
    use super::*;

    const RATE: Shape = Shape::Of(&[
        ("value", Kind::Number),
        ("low", Kind::Number),
        ("high", Kind::Number),
    ]);

    fn names(table: &Table) -> Vec<&str> {
        table
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    #[test]
    fn each_row_has_every_column() {
        let named = [
            Column::new("channel", Shape::One(Kind::Text)),
            Column::new("rate", RATE),
            Column::new("revenue", Shape::Money),
        ];
        let rows = vec![
            json!({"channel": "email", "rate": null, "revenue": [], "clicks": 1}),
            json!({"channel": "sms", "rate": {"value": 0.5, "low": 0.1, "high": 0.9}, "clicks": 2.5,
                   "revenue": [{"currency": "USD", "amount_minor": 3}, {"currency": "EUR", "amount_minor": -4}]}),
        ];
        let table = Table::new(&named, rows);
        let expected = [
            "channel",
            "rate.value",
            "rate.low",
            "rate.high",
            "revenue.EUR.amount_minor",
            "revenue.USD.amount_minor",
            "clicks",
        ];
        assert_eq!(names(&table), expected);
        assert_eq!(table.columns[4].1, Kind::Whole);
        assert_eq!(
            table.columns[6].1,
            Kind::Number,
            "one of them is no whole number"
        );
        let none = Value::Null;
        assert_eq!(
            table.rows[0],
            [
                json!("email"),
                none.clone(),
                none.clone(),
                none.clone(),
                none.clone(),
                none,
                json!(1)
            ]
        );
        assert_eq!(
            table.rows[1][1..5],
            [json!(0.5), json!(0.1), json!(0.9), json!(-4)]
        );
    }

    #[test]
    fn columns_stand_without_a_row() {
        let named = [
            Column::new("rate", RATE),
            Column::new("clicks", Shape::One(Kind::Whole)),
        ];
        let table = Table::new(&named, Vec::new());
        assert_eq!(
            names(&table),
            ["rate.value", "rate.low", "rate.high", "clicks"]
        );
        assert_eq!(table.columns[3].1, Kind::Whole);
    }

    #[test]
    fn what_nobody_named_is_told_all_the_same() {
        let rows = vec![
            json!({"b": {"y": 1, "x": null}, "a": ["email", "sms"], "c": null}),
            json!({"b": null, "a": [], "c": {"d": true}, "e": 18_446_744_073_709_551_615_u64}),
        ];
        let table = Table::new(&[], rows);
        assert_eq!(names(&table), ["a", "b.x", "b.y", "c.d", "e"]);
        let kinds: Vec<Kind> = table.columns.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Text,
                Kind::Empty,
                Kind::Whole,
                Kind::Flag,
                Kind::Number
            ]
        );
        assert_eq!(
            table.rows[0][0],
            json!(["email", "sms"]),
            "no currency: one cell"
        );
    }
}
