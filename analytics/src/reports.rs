//! Reports: what became of the clicks.
//!
//! [`question`] reads what every report is asked, [`warehouse`] sends a file of `sql/reports` with it
//! to ClickHouse, [`answer`] is what every report says of itself; each report has a file of its own.
//! Which rows count is said in the SQL, and nowhere else.

mod answer;
pub(crate) mod breakdown;
pub(crate) mod clicks;
mod dimension;
pub(crate) mod funnel;
mod interval;
mod money;
mod question;
mod range;
mod span;
mod warehouse;

pub(crate) use warehouse::{Warehouse, problem};
