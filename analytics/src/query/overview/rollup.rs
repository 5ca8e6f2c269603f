//! When the clicks of an overview can be counted out of rollups, which are the projections of migration 0020.
//!
//! A rollup knows clicks by hours of UTC, their outcome, their verdict and one thing more. What asks no more than that gets from it
//! the same numbers as from the clicks; everything else is counted click by click. How they are asked stands in `sql/overview`.

use super::super::dimension::Dimension;
use super::super::question::{Question, Traffic};
use crate::reports::range::Range;

/// Dimensions of which there is a rollup.
const COLUMNS: [&str; 5] = ["channel", "source", "country", "device", "browser"];
const HOUR_S: i64 = 3_600;
const HOUR_MS: i64 = HOUR_S * 1_000;
/// Hours are told in 32 bits, which end in 2106.
const LAST_MS: i64 = u32::MAX as i64 * 1_000;

/// Whether there is a rollup by a dimension.
pub(super) fn has(dimension: Dimension) -> bool {
    COLUMNS.contains(&dimension.column)
}

/// Whether rollups answer a question exactly, for this range, cut at these edges (seconds since 1970).
pub(super) fn fits(question: &Question, range: &Range, edges: &[i64]) -> bool {
    let (from, to) = (range.from.as_millisecond(), range.to.as_millisecond());
    let bounds = [from, to];
    question.filter.is_none()
        && matches!(question.traffic, Traffic::Human | Traffic::All)
        && bounds.iter().all(|at| at.rem_euclid(HOUR_MS) == 0)
        && from >= 0
        && to <= LAST_MS
        && edges.iter().all(|edge| edge.rem_euclid(HOUR_S) == 0)
}
