//! Runs a bench as a person does, and reads its last line.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::process::{Command, Output};

use serde_json::Value;

/// What a bench came to.
pub(crate) struct Run {
    /// The object of its last line; null where it has none.
    pub(crate) result: Value,
    /// Whether it ended well.
    pub(crate) success: bool,
    /// What it said on the way.
    pub(crate) said: String,
}

/// Runs `whence-bench` with these arguments.
pub(crate) fn bench(args: &[&str]) -> Run {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_whence-bench"))
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_default();
    let result = last
        .strip_prefix("RESULT ")
        .map_or(Value::Null, |json| serde_json::from_str(json).unwrap());
    Run {
        result,
        success: output.status.success(),
        said,
    }
}
