//! What paths are asked: those of an attribution, and how they are told.

use serde_json::Value;
use whence_core::key::Right;
use whence_core::problem::Problem;

use crate::api::Api;
use crate::attribution::question::{Touching, Wanted};
use crate::door::Caller;
use crate::fields::{Body, flag, number};
use crate::query::filter::{self, Predicate};

/// Paths of one answer.
const MOST_PATHS: u64 = 1_000;
/// Paths where nothing is said.
const PATHS: u64 = 100;
/// Up to which number steps can be told by number: a wider chart nobody reads.
const MOST_STEPS: u64 = 10;
/// Up to which number where nothing is said.
const STEPS: u64 = 5;

/// A question that can be put to ClickHouse.
pub(super) struct Question {
    pub(super) touching: Touching,
    /// Which clicks may be touches.
    pub(super) predicate: Predicate,
    /// Whether alike touches right behind each other are one.
    pub(super) collapse: bool,
    /// Whether paths come by people, and not by conversions.
    pub(super) by_people: bool,
    /// Up to how many touches steps are told by number.
    pub(super) steps: u64,
    /// How many paths are told.
    pub(super) limit: usize,
}

impl Question {
    /// Reads a question of the caller's workspace.
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let wanted = Wanted::read(&mut body);
        let filter = filter::of_body(&mut body);
        let collapse = body.read("collapse", flag);
        let by_people = body.read("order", |value: Value| match value.as_str() {
            Some("conversions") => Ok(false),
            Some("people") => Ok(true),
            _ => Err("must be conversions or people"),
        });
        let steps = body.read("steps", |value| number(&value, 1..=MOST_STEPS));
        let limit = body.read("limit", |value| number(&value, 1..=MOST_PATHS));
        body.finish()?;
        Ok(Self {
            touching: wanted.of(api, id).await?,
            predicate: Predicate::of_stored(filter.as_ref()),
            collapse: collapse.unwrap_or(true),
            by_people: by_people.unwrap_or(false),
            steps: steps.unwrap_or(STEPS),
            limit: limit.unwrap_or(PATHS) as usize,
        })
    }
}
