//! `POST /api/v1/overview`: what a dashboard shows first, in one request: totals, a time series and several breakdowns.
//!
//! Each number is the one that `POST /api/v1/query` gives. [`question`] reads what is asked, [`route`] has it counted by
//! [`count`], and [`answer`] tells it. [`clicks`] are counted in memory where they are [`held`], out of what [`rollup`] allows, or one by one; [`reading`] is what its statements have in common. [`statement`] puts the files of `sql/overview` together, in which [`words`] are the bits by which visitors
//! are counted.

mod answer;
mod clicks;
mod count;
mod held;
mod question;
mod reading;
mod rollup;
pub(crate) mod route;
mod statement;
mod words;
