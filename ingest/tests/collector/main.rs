//! The collector as a real process, with a real engine, a real link store and a real journal.

// What these helpers unwrap fails the test that asked, as an unwrap inside it would.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod batch;
mod blocks;
mod browsers;
mod carried;
mod channels;
mod confirmations;
mod conversions;
mod erased;
mod fleet;
mod full;
mod kills;
mod lanes;
mod lost;
mod memory;
mod outages;
mod page_events;
mod places;
mod process;
mod refunds;
mod refusals;
mod repeats;
mod support;
