//! Attribution: which touch earned how much of a conversion.
//!
//! The models themselves, on paths of touches: [`weights`] those that look at one path by a rule, [`shapley`] and [`markov`]
//! those that learn from all paths together, [`split`] the exact division of an amount by weights. Where paths come from
//! does not matter here: [`file`] reads them in the form in which tools exchange them.
//!
//! Credits are exact: what is divided is whole units (cents, millionths of a conversion), and what is given out adds up to
//! what there was, to the unit, whatever the weights are.

mod credit;
pub mod file;
mod markov;
mod model;
mod paths;
mod shapley;
mod split;
#[cfg(test)]
mod tests;
mod weights;

pub use credit::{Credit, Credits, MICRO, attribute};
pub use markov::Unsettled;
pub use model::{Model, ModelError};
pub use paths::{Path, Paths};
