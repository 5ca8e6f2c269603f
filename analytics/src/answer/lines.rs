//! JSON Lines: each row as it stands in the JSON answer, on a line of its own.

use serde_json::Value;

/// The whole file.
pub(super) fn write(rows: &[Value]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row).expect("a value is JSON, and memory takes it");
        text.push(b'\n');
    }
    text
}
