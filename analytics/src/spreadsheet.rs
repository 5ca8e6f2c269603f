//! Texts in the cells of a file that a spreadsheet may open.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, whoever wrote it (OWASP, "CSV Injection"). So such a
//! text is written with an apostrophe before it, which can be taken away again; what people wrote with one themselves
//! stays as it is. Numbers are no texts and need no guard.

/// A text as it is written into a cell.
pub(crate) fn guarded(text: String) -> String {
    match is_formula(&text) {
        true => format!("'{text}"),
        false => text,
    }
}

/// The text that was written into a cell.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

/// Whether a spreadsheet would run the text, without the apostrophes before it.
fn is_formula(text: &str) -> bool {
    // The full-width signs mean the same in East Asian locales.
    text.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}
