//! What is said of each event of a body with many. What can become of one, and what is said of all, is its route's.

use serde::Serialize;
use whence_core::problem::FieldProblem;

/// What is said of one.
#[derive(Debug, Serialize)]
pub(super) struct Told<O> {
    /// Where it stands, in a form that has lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    /// Its id, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_id: Option<String>,
    /// What became of it.
    pub(super) result: O,
    /// Why, where it is about all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    /// Why, where it is about its fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<FieldProblem>,
}
