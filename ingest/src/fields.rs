//! What a sender says in fields: read in any of their writings, looked at one by one, and every mistake told at once.
//!
//! Which fields an event has is not known here.

pub(crate) mod form;
pub(crate) mod sheet;
pub(crate) mod values;

use serde_json::Value;
use whence_core::click::bounded;
use whence_core::id::ClickId;
use whence_core::problem::FieldProblem;

use self::form::{Form, Raw};

/// How much of an unknown field's name is told back.
const NAME_SHOWN: usize = 64;
/// How many unknown fields are told by name: an answer must not be many times its question.
const UNKNOWN_SHOWN: usize = 20;
/// How much later than what it led to a click may seem: whole seconds, and clocks that differ a little.
const CLOCK_SLACK_MS: u64 = 5_000;

/// The fields that are still to be looked at, and what was wrong with the others.
pub(crate) struct Fields {
    /// Not looked at yet.
    form: Vec<(String, Raw)>,
    /// What is wrong.
    pub(crate) problems: Vec<FieldProblem>,
}

impl Fields {
    /// All fields of a form.
    pub(crate) fn of(form: Form) -> Self {
        Self {
            form: form.0,
            problems: Vec::new(),
        }
    }

    /// Says what is wrong with a field.
    pub(crate) fn refuse(&mut self, field: &str, detail: impl ToString) {
        self.problems.push(FieldProblem::new(field, detail));
    }

    /// Takes a field; what is null or empty counts as not there.
    fn take(&mut self, name: &str) -> Option<Raw> {
        let place = self.form.iter().position(|(field, _)| field == name)?;
        let (_, raw) = self.form.remove(place);
        if self.form.iter().any(|(field, _)| field == name) {
            self.refuse(name, "stands here twice");
            self.form.retain(|(field, _)| field != name);
        }
        (!is_empty(&raw)).then_some(raw)
    }

    /// A field that need not be there.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Raw) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.take(name)?;
        match read(&raw) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.refuse(name, detail);
                None
            }
        }
    }

    /// A field that must be.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Raw) -> Result<T, String>,
    ) -> Option<T> {
        let known = self.problems.len();
        let value = self.optional(name, read);
        if value.is_none() && self.problems.len() == known {
            self.refuse(name, "is required");
        }
        value
    }

    /// Whether a field that is still to be looked at says something.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.form
            .iter()
            .any(|(field, raw)| field == name && !is_empty(raw))
    }

    /// Refuses what nobody has asked for: a misspelt `amount` is a sale without one.
    pub(crate) fn none_left(&mut self, ignored: &[&str]) {
        let mut names: Vec<String> = self.form.drain(..).map(|(name, _)| name).collect();
        names.retain(|name| !ignored.contains(&name.as_str()));
        names.sort();
        names.dedup();
        let more = names.len().saturating_sub(UNKNOWN_SHOWN);
        for name in names.into_iter().take(UNKNOWN_SHOWN) {
            let shown = bounded(name.as_bytes(), NAME_SHOWN);
            self.refuse(&shown, "is not a known field");
        }
        if more > 0 {
            self.refuse("…", format!("and {more} more are not known fields"));
        }
    }
}

/// Whether a field says nothing, as tag managers send those they have no value for.
fn is_empty(raw: &Raw) -> bool {
    match raw {
        Raw::Text(text) | Raw::Json(Value::String(text)) => text.is_empty(),
        Raw::Json(value) => value.is_null(),
    }
}

/// When something happened: as the sender says, else now; and not just before the click that it names.
pub(crate) fn happened_ms(said_ms: Option<u64>, click: Option<ClickId>, now_ms: u64) -> u64 {
    let said = said_ms.unwrap_or(now_ms);
    match click.map(ClickId::unix_ms) {
        Some(clicked) if said.saturating_add(CLOCK_SLACK_MS) >= clicked => said.max(clicked),
        _ => said,
    }
}
