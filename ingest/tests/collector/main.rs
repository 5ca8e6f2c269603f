//! The collector as a real process, with a real engine, a real link store and a real journal.

mod bad_input;
mod blocks;
mod browsers;
mod conversions;
mod kills;
mod outages;
mod process;
mod support;
