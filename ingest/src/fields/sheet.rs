//! Many events in one body: a JSON array, JSON Lines or CSV, cut into forms.
//!
//! A row that cannot be read is a row with a mistake, and spoils no other; only what leaves the rows
//! themselves unknown is a mistake of the whole. What a row says is checked elsewhere.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error as Problem;

use super::form::{Form, Raw};

/// The longest row: ten times what its fields can hold.
const LONGEST_ROW: usize = 64 << 10;
/// The most columns of a table, which has a dozen.
const MOST_COLUMNS: usize = 64;
/// The mark that some programs put before a text; it is no part of the first name.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// One JSON array of objects.
    Array,
    /// A JSON object on each line.
    Lines,
    /// A line of names, then a line for each conversion.
    Csv,
}

impl Writing {
    /// By the media type of a body.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Array),
            "application/jsonl" | "application/x-ndjson" | "application/jsonlines" => {
                Some(Self::Lines)
            }
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// A row of a body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The line on which it begins, from 1, where there are lines.
    pub(crate) line: Option<u64>,
    /// Its fields, or why it has none.
    pub(crate) form: Result<Form, String>,
}

/// The rows of a body cannot be told apart.
#[derive(Debug, PartialEq, Eq, Problem)]
pub(crate) enum SheetError {
    /// The JSON is not an array, or ends in the middle.
    #[error("the body must be one JSON array of objects: {0}")]
    NoArray(String),
    /// The line of names cannot be used.
    #[error("line 1: {0}")]
    Header(String),
    /// More rows than are taken at a time.
    #[error("the body must have at most {0} rows")]
    TooMany(usize),
}

/// Cuts a body into its rows, of which it may have so many.
pub(crate) fn rows(body: &[u8], writing: Writing, most: usize) -> Result<Vec<Row>, SheetError> {
    let rows = match writing {
        Writing::Array => {
            let no_array = |error: serde_json::Error| SheetError::NoArray(error.to_string());
            let mut json = serde_json::Deserializer::from_slice(body);
            let rows = Rows { most }.deserialize(&mut json).map_err(no_array)?;
            json.end().map_err(no_array)?;
            rows
        }
        Writing::Lines => lines(body, most),
        Writing::Csv => table(body, most)?,
    };
    if rows.len() > most {
        return Err(SheetError::TooMany(most));
    }
    Ok(rows)
}

fn lines(body: &[u8], most: usize) -> Vec<Row> {
    let lines = body.split(|byte| *byte == b'\n').zip(1..);
    lines
        .filter(|(text, _)| !text.trim_ascii().is_empty())
        // One more, which shows that there are too many.
        .take(most + 1)
        .map(|(text, line)| Row {
            line: Some(line),
            form: if text.len() > LONGEST_ROW {
                Err(too_long())
            } else {
                Form::from_json(text).map_err(|error| error.to_string())
            },
        })
        .collect()
}

fn table(body: &[u8], most: usize) -> Result<Vec<Row>, SheetError> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body);
    let header = |detail: String| SheetError::Header(detail);
    let names = reader
        .headers()
        .map_err(|error| header(error.to_string()))?;
    if names.len() > MOST_COLUMNS {
        return Err(header(format!("has more than {MOST_COLUMNS} columns")));
    }
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if names.iter().all(String::is_empty) {
        return Err(header("must name the columns".into()));
    }
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    let mut place = Place {
        body,
        byte: 0,
        line: 1,
    };
    while rows.len() <= most {
        // Bytes of any length are asked for, and memory is always read.
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) | Err(_) => break,
        }
        if let Some(position) = record.position() {
            place.move_to(usize::try_from(position.byte()).unwrap_or(body.len()));
        }
        rows.push(Row {
            line: Some(place.line),
            form: fields(&names, &record),
        });
    }
    Ok(rows)
}

/// A place in a table and its line. The reader's own line numbers are no use: of CR LF it sees the LF only
/// when it reads on.
struct Place<'b> {
    body: &'b [u8],
    byte: usize,
    line: u64,
}

impl Place<'_> {
    /// Moves on to the first text at or behind a byte.
    fn move_to(&mut self, byte: usize) {
        while let Some(found) = self.body.get(self.byte)
            && (self.byte < byte || matches!(found, b'\r' | b'\n'))
        {
            self.line += u64::from(*found == b'\n');
            self.byte += 1;
        }
    }
}

/// The fields of a record; what is empty is not said.
fn fields(names: &[String], record: &csv::ByteRecord) -> Result<Form, String> {
    if record.as_slice().len() > LONGEST_ROW {
        return Err(too_long());
    }
    if record.len() != names.len() {
        let (found, wanted) = (record.len(), names.len());
        return Err(format!(
            "the row has {found} columns, and the names are {wanted}"
        ));
    }
    let mut form = Form::default();
    for (name, value) in names.iter().zip(record) {
        if !value.is_empty() {
            let value = str::from_utf8(value).map_err(|_| format!("{name}: must be UTF-8"))?;
            form.0.push((name.clone(), Raw::Text(value.to_owned())));
        }
    }
    Ok(form)
}

fn too_long() -> String {
    format!("the row is longer than {LONGEST_ROW} bytes")
}

/// Reads the rows of an array, with one more than are taken, and passes over the rest.
struct Rows {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Rows {
    type Value = Vec<Row>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Row>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows {
    type Value = Vec<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::new();
        while rows.len() <= self.most
            && let Some(Element(form)) = list.next_element()?
        {
            rows.push(Row { line: None, form });
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(rows)
    }
}

/// An element of the array, whatever it is.
struct Element(Result<Form, String>);

impl Element {
    fn no_object<E>() -> Result<Self, E> {
        Ok(Self(Err("must be an object".into())))
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                Form::deserialize(map).map(|form| Element(Ok(form)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Element, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Element::no_object()
            }

            fn visit_unit<E: Error>(self) -> Result<Element, E> {
                Element::no_object()
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Element, E> {
                Element::no_object()
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Element, E> {
                Element::no_object()
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Element, E> {
                Element::no_object()
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Element, E> {
                Element::no_object()
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Element, E> {
                Element::no_object()
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST_ROWS: usize = 10_000;

    fn rows(body: &[u8], writing: Writing) -> Result<Vec<Row>, SheetError> {
        super::rows(body, writing, MOST_ROWS)
    }

    fn told(body: &str, writing: Writing) -> Vec<(Option<u64>, Result<usize, String>)> {
        let rows = rows(body.as_bytes(), writing).unwrap();
        rows.into_iter()
            .map(|row| (row.line, row.form.map(|form| form.0.len())))
            .collect()
    }

    #[test]
    fn each_writing_says_the_same() {
        let array = rows(br#"[{"a":"1","b":"x y"},{"a":"2"}]"#, Writing::Array).unwrap();
        let lines = rows(
            b"\n{\"a\":\"1\",\"b\":\"x y\"}\r\n\n{\"a\":\"2\"}",
            Writing::Lines,
        )
        .unwrap();
        let csv = rows(
            "\u{feff}a, b\r\n1,x y\r\n\"2\",\r\n".as_bytes(),
            Writing::Csv,
        )
        .unwrap();
        let values = |rows: &[Row]| -> Vec<Vec<(String, String)>> {
            let text = |raw: &Raw| match raw {
                Raw::Text(text) => text.clone(),
                Raw::Json(value) => value.as_str().unwrap().to_owned(),
            };
            rows.iter()
                .map(|row| {
                    let fields = &row.form.as_ref().unwrap().0;
                    fields
                        .iter()
                        .map(|(name, raw)| (name.clone(), text(raw)))
                        .collect()
                })
                .collect()
        };
        assert_eq!(values(&array), values(&lines));
        assert_eq!(values(&array), values(&csv));
        let places = |rows: &[Row]| rows.iter().map(|row| row.line).collect::<Vec<_>>();
        assert_eq!(places(&array), [None, None]);
        assert_eq!(places(&lines), [Some(2), Some(4)]);
        assert_eq!(places(&csv), [Some(2), Some(3)]);
    }

    #[test]
    fn a_bad_row_spoils_no_other() {
        let no_object = Err("must be an object".to_owned());
        assert_eq!(
            told(
                r#"[{},1,[{"a":[1]}],"x",null,true,-1,1.5,{"a":1}]"#,
                Writing::Array
            ),
            [
                vec![(None, Ok(0))],
                vec![(None, no_object); 7],
                vec![(None, Ok(1))]
            ]
            .concat()
        );
        let long = "x".repeat(LONGEST_ROW);
        let found = told(&format!("{{\n{{\"a\":1}}\n{long}x\n"), Writing::Lines);
        assert!(found[0].1.as_ref().unwrap_err().contains("one JSON object"));
        assert_eq!(found[1], (Some(2), Ok(1)));
        assert_eq!(found[2], (Some(3), Err(too_long())));
        let found = told(&format!("a,b\n1\n1,2,3\n1,2\n{long},2\n"), Writing::Csv);
        assert_eq!(
            found[0].1,
            Err("the row has 1 columns, and the names are 2".into())
        );
        assert_eq!(
            found[1].1,
            Err("the row has 3 columns, and the names are 2".into())
        );
        assert_eq!((&found[2].1, &found[3].1), (&Ok(2), &Err(too_long())));
        let rows = rows(b"a\n\xff\nb\n", Writing::Csv).unwrap();
        assert_eq!(rows[0].form, Err("a: must be UTF-8".into()));
        assert!(rows[1].form.is_ok());
    }

    #[test]
    fn a_whole_that_cannot_be_cut() {
        for body in ["", "{}", "[{}", "[{}]x", "1"] {
            let told = rows(body.as_bytes(), Writing::Array);
            assert!(
                matches!(told, Err(SheetError::NoArray(_))),
                "{body}: {told:?}"
            );
        }
        let wide = "a,".repeat(MOST_COLUMNS);
        for body in ["", "\n", ",,\n1,2,3", &wide] {
            let told = rows(body.as_bytes(), Writing::Csv);
            assert!(
                matches!(told, Err(SheetError::Header(_))),
                "{body}: {told:?}"
            );
        }
        for (body, writing) in [
            (format!("[{}0]", "0,".repeat(MOST_ROWS)), Writing::Array),
            ("0\n".repeat(MOST_ROWS + 1), Writing::Lines),
            (format!("a\n{}", "0\n".repeat(MOST_ROWS + 1)), Writing::Csv),
        ] {
            assert_eq!(
                rows(body.as_bytes(), writing),
                Err(SheetError::TooMany(MOST_ROWS))
            );
        }
        assert_eq!(
            rows("0\n".repeat(MOST_ROWS).as_bytes(), Writing::Lines)
                .unwrap()
                .len(),
            MOST_ROWS
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(body: Vec<u8>, text in "[a,\"\\r\\n{}:1\\[\\]]{0,60}") {
            for writing in [Writing::Array, Writing::Lines, Writing::Csv] {
                let _ = rows(&body, writing);
                let _ = rows(text.as_bytes(), writing);
            }
        }
    }
}
