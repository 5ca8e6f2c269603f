//! The last line of every bench, and a warning where its figures mean little.

use serde::Serialize;

/// Prints `RESULT {json}`.
pub(crate) fn print(result: &impl Serialize) {
    let json = serde_json::to_string(result).expect("results are plain structs");
    println!("RESULT {json}");
}

/// How this binary, and so most likely those beside it, was compiled.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};

/// Says so where times are those of a debug build.
pub(crate) fn warn_of_debug_build() {
    if PROFILE == "debug" {
        eprintln!(
            "warning: this is a debug build; its times say nothing (use cargo build --release)"
        );
    }
}
