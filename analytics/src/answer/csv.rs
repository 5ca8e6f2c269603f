//! Rows with commas: RFC 4180 in UTF-8, the first line has the columns' names.
//!
//! A text that a spreadsheet would run is guarded; what is null, or an empty text, is an empty cell.

use csv::{Terminator, WriterBuilder};
use serde_json::Value;

use super::table::Table;
use crate::spreadsheet::guarded;

/// The whole file.
pub(super) fn write(table: &Table) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let names = table.columns.iter().map(|(name, _)| guarded(name.clone()));
    writer.write_record(names).expect("memory takes every line");
    for row in &table.rows {
        writer
            .write_record(row.iter().map(cell))
            .expect("memory takes every line, and all rows have every column");
    }
    writer.into_inner().expect("memory takes every line")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => guarded(text.clone()),
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_not_run() {
        let rows = vec![
            json!({"a": "x,\"y\"\nz", "b": -5, "c": null}),
            json!({"a": "=1+1", "b": 1.5, "c": ["-", "=x"]}),
            json!({"a": "+1", "c": true}),
        ];
        let file = write(&Table::new(&[], rows));
        let expected = "a,b,c\r\n\"x,\"\"y\"\"\nz\",-5,\r\n'=1+1,1.5,\"[\"\"-\"\",\"\"=x\"\"]\"\r\n'+1,,true\r\n";
        assert_eq!(String::from_utf8(file).unwrap(), expected);
    }

    #[test]
    fn no_rows_are_a_line_of_names() {
        assert_eq!(write(&Table::new(&[], Vec::new())), b"\"\"\r\n");
    }
}
