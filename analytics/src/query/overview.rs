//! `POST /api/v1/overview`: what a dashboard shows first, in one request: totals, a time series and several breakdowns.
//!
//! Each number is the one that `POST /api/v1/query` gives. [`question`] reads what is asked, [`route`] has it counted, and
//! [`answer`] tells it.

mod answer;
mod question;
pub(crate) mod route;
