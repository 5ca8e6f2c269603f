//! Reports: what became of the clicks.
//!
//! [`question`] reads what every report is asked, [`warehouse`] sends a file of `sql/reports` with it
//! to ClickHouse within [`bounds`] and in its [turn](turns), [`answer`] is what every report says of itself; each report has a file of its own.
//! Which rows count is said in the SQL, and nowhere else.

pub(crate) mod answer;
pub(crate) mod beside;
pub(crate) mod bounds;
pub(crate) mod breakdown;
pub(crate) mod clicks;
mod dimension;
pub(crate) mod interval;
pub(crate) mod money;
pub(crate) mod proportion;
pub(crate) mod question;
pub(crate) mod range;
pub(crate) mod span;
mod turns;
pub(crate) mod warehouse;

pub(crate) use answer as definitions;
pub(crate) use bounds::problem;
pub(crate) use warehouse::Warehouse;
