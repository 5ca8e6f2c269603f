//! Links in a spreadsheet: a column for each text, and JSON in the cells of what is more than a text.
//!
//! What a spreadsheet would run is guarded as [`crate::spreadsheet`] has it. Slugs are written with the `/` that stands before them in
//! a URL, which also tells the bare domain (`/`) from no slug at all.

use axum::http::StatusCode;
use serde_json::{Map, Value};
use whence_core::problem::{FieldProblem, Problem};

use crate::spreadsheet::{guarded, unguarded};

/// What a column's cells hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A text as it is.
    Text,
    /// A slug with its first `/`.
    Path,
    /// `true` or `false`.
    Flag,
    /// JSON: a number, a list, an object.
    Json,
    /// A JSON list of texts, or texts with commas between them.
    Tags,
    /// A text of the object `utm`.
    Utm,
}

/// Every column, in the order in which exports have them. `password` is only read.
const COLUMNS: &[(&str, Kind)] = &[
    ("id", Kind::Text),
    ("domain", Kind::Text),
    ("slug", Kind::Path),
    ("short_url", Kind::Text),
    ("destination", Kind::Text),
    ("title", Kind::Text),
    ("status", Kind::Json),
    ("disabled", Kind::Flag),
    ("archived", Kind::Flag),
    ("starts_at", Kind::Text),
    ("pending_url", Kind::Text),
    ("expires_at", Kind::Text),
    ("expired_url", Kind::Text),
    ("max_clicks", Kind::Json),
    ("password_hash", Kind::Text),
    ("rules", Kind::Json),
    ("variants", Kind::Json),
    ("variant_mode", Kind::Text),
    ("learned_weights", Kind::Json),
    ("ios", Kind::Json),
    ("android", Kind::Json),
    ("preview", Kind::Json),
    ("utm_source", Kind::Utm),
    ("utm_medium", Kind::Utm),
    ("utm_campaign", Kind::Utm),
    ("utm_term", Kind::Utm),
    ("utm_content", Kind::Utm),
    ("forward_query", Kind::Text),
    ("forward_path", Kind::Flag),
    ("click_id", Kind::Flag),
    ("click_id_parameter", Kind::Text),
    ("notes", Kind::Text),
    ("tags", Kind::Tags),
    ("channel", Kind::Text),
    ("campaign", Kind::Text),
    ("program", Kind::Text),
    ("advocate", Kind::Text),
    ("external_id", Kind::Text),
    ("revision", Kind::Json),
    ("created_at", Kind::Text),
    ("updated_at", Kind::Text),
];

/// The one column that is read and never written.
const PASSWORD: (&str, Kind) = ("password", Kind::Text);

/// What stands before the UTM parameters' names.
const UTM: &str = "utm_";

/// The names of the columns that exports have.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(name, _)| *name)
}

/// The cells of a link, in the columns' order.
pub(super) fn cells(link: &Map<String, Value>) -> impl Iterator<Item = String> + '_ {
    COLUMNS.iter().map(|(name, kind)| {
        let value = match kind {
            Kind::Utm => link.get("utm").and_then(|utm| utm.get(&name[UTM.len()..])),
            _ => link.get(*name),
        };
        let text = match (kind, value) {
            (_, None | Some(Value::Null)) => return String::new(),
            (Kind::Path, Some(Value::String(slug))) => format!("/{slug}"),
            (_, Some(Value::String(text))) => text.clone(),
            (_, Some(value)) => value.to_string(),
        };
        guarded(text)
    })
}

/// The columns of a file that was sent, in its order.
#[derive(Debug)]
pub(super) struct Header(Vec<(&'static str, Kind)>);

impl Header {
    /// Reads the first line; says which columns nobody knows, or that come twice.
    pub(super) fn read<'n>(
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut columns: Vec<(&'static str, Kind)> = Vec::new();
        let mut wrong = Vec::new();
        for name in names {
            let name = name.trim();
            let known = COLUMNS.iter().chain([&PASSWORD]);
            match known.into_iter().find(|(known, _)| *known == name) {
                Some((known, _)) if columns.iter().any(|(seen, _)| seen == known) => {
                    wrong.push(FieldProblem::new(*known, "is given twice"));
                }
                Some(column) => columns.push(*column),
                // An answer must not be many times its question.
                None if wrong.len() < 20 => {
                    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                    wrong.push(FieldProblem::new(shown, "is no column of a link"));
                }
                None => {}
            }
        }
        match wrong.is_empty() {
            true => Ok(Self(columns)),
            false => Err(wrong),
        }
    }

    /// The link that a line describes, as JSON has it. An empty cell says nothing.
    pub(super) fn link<'c>(
        &self,
        count: usize,
        cells: impl Iterator<Item = &'c str>,
    ) -> Result<Map<String, Value>, Problem> {
        if count != self.0.len() {
            let detail = format!(
                "the line has {count} cells, and the first line has {}",
                self.0.len()
            );
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        let mut link = Map::new();
        let mut utm = Map::new();
        let mut wrong = Vec::new();
        for ((name, kind), cell) in self.0.iter().zip(cells) {
            let cell = unguarded(cell);
            if cell.is_empty() {
                continue;
            }
            match value(*kind, cell) {
                Ok(value) if *kind == Kind::Utm => {
                    utm.insert(name[UTM.len()..].to_owned(), value);
                }
                Ok(value) => {
                    link.insert((*name).to_owned(), value);
                }
                Err(detail) => wrong.push(FieldProblem::new(*name, detail)),
            }
        }
        if !utm.is_empty() {
            link.insert("utm".to_owned(), utm.into());
        }
        match wrong.is_empty() {
            true => Ok(link),
            false => Err(Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, wrong)),
        }
    }
}

/// The name of the column that a field of a link stands in.
pub(super) fn column(field: &str) -> String {
    match field.strip_prefix("utm.") {
        Some(parameter) => format!("{UTM}{parameter}"),
        None => field.to_owned(),
    }
}

fn value(kind: Kind, cell: &str) -> Result<Value, String> {
    match kind {
        Kind::Text | Kind::Utm => Ok(cell.into()),
        Kind::Path => Ok(cell.strip_prefix('/').unwrap_or(cell).into()),
        // Spreadsheets write them in capitals.
        Kind::Flag => match cell.to_ascii_lowercase().as_str() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err("must be true or false".into()),
        },
        Kind::Json => json(cell),
        Kind::Tags if cell.trim_start().starts_with('[') => json(cell),
        Kind::Tags => Ok(cell.split(',').map(str::trim).collect()),
    }
}

fn json(cell: &str) -> Result<Value, String> {
    serde_json::from_str(cell).map_err(|error| format!("must be JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("'=1+1", "''=1+1"),
            ("-5", "'-5"),
            ("@x", "'@x"),
            ("\t=x", "'\t=x"),
            ("'tis", "'tis"),
            ("a=b", "a=b"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(guarded(text.into()), cell);
            assert_eq!(unguarded(cell), text);
        }
    }

    proptest! {
        #[test]
        fn a_guard_is_always_taken_away_again(text in "['=+@-]{0,3}\\PC{0,5}") {
            let cell = guarded(text.clone());
            prop_assert!(!cell.starts_with(['=', '+', '-', '@']));
            prop_assert_eq!(unguarded(&cell), text);
        }
    }

    #[test]
    fn cells_of_people() {
        let names = ["slug", "tags", "disabled", "utm_source", "status", "title"];
        let header = Header::read(names.into_iter()).unwrap();
        let link = header
            .link(6, ["/sale", "a, b", "TRUE", "x", "301", ""].into_iter())
            .unwrap();
        let expected = json!({
            "slug": "sale", "tags": ["a", "b"], "disabled": true, "utm": {"source": "x"}, "status": 301,
        });
        assert_eq!(Value::from(link), expected);
        let wrong = header
            .link(6, ["sale", "[", "yes", "", "3o1", ""].into_iter())
            .unwrap_err();
        let fields = wrong.errors().iter().map(|wrong| wrong.field.as_str());
        assert_eq!(fields.collect::<Vec<_>>(), ["tags", "disabled", "status"]);
        assert!(header.link(1, ["a"].into_iter()).is_err());
    }

    #[test]
    fn columns_that_nobody_knows_are_named() {
        let wrong = Header::read(["slug", "colour", "slug"].into_iter()).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, ["colour", "slug"]);
    }
}
