//! Attribution: which touch earned how much of a conversion.
//!
//! The models themselves, on paths of touches: [`weights`] those that look at one path by a rule, [`shapley`] and [`markov`]
//! those that learn from all paths together, [`split`] the exact division of an amount by weights. Where paths come from
//! does not matter here: [`file`] reads them in the form in which tools exchange them, [`report`] out of ClickHouse
//! ([`reading`] asks for them, [`journeys`] puts clicks and conversions together, [`without`] gathers the paths that led to none);
//! [`explain`] says of one conversion what earned it.
//!
//! Credits are exact: what is divided is whole units (cents, millionths of a conversion), and what is given out adds up to
//! what there was, to the unit, whatever the weights are.

mod credit;
pub(crate) mod explain;
pub mod file;
pub(crate) mod journeys;
mod ledger;
mod markov;
mod model;
mod paths;
pub(crate) mod question;
pub(crate) mod reading;
pub(crate) mod report;
mod shapley;
mod split;
#[cfg(test)]
mod tests;
mod weights;
mod without;

use credit::weights_of;
pub use credit::{Credit, Credits, MICRO, attribute};
pub use markov::Unsettled;
use markov::effects;
pub use model::{Model, ModelError};
pub use paths::{Path, Paths};
use split::{split as divide, whole};
