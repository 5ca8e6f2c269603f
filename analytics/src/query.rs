//! `POST /api/v1/query`: any of the metrics, by any of the dimensions, for any clicks.
//!
//! [`question`] reads what is asked: [`metric`]s, [`dimension`]s, a [`filter`], a [`period`], an [`order`]. [`statement`] puts
//! the files of `sql/query` together for it, and [`answer`] tells what ClickHouse said, in [`columns`] where a
//! table is wanted. What a click, a conversion and an
//! interval is, is the same as in [`crate::reports`]. [`overview`] answers a dashboard's questions at once, in the same words.

mod answer;
mod columns;
pub(crate) mod dimension;
pub(crate) mod filter;
mod metric;
mod order;
pub(crate) mod overview;
pub(crate) mod period;
mod question;
pub(crate) mod route;
pub(crate) mod statement;
