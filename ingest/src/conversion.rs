//! Conversions: what a sender may say, how it is checked, and how one event counts once, for good.
//!
//! The ways in (pixel, beacon, server) differ in form only and stand in `api`. What a conversion is
//! worth to whom is a question for reports.

pub(crate) mod check;
mod currency;
pub(crate) mod desk;
mod lookup;
mod pending;
pub(crate) mod receipt;
pub(crate) mod refund;
mod row;
pub(crate) mod sink;
mod tables;
mod values;
