//! How a report's answer goes out: as the JSON object that it is, or its `rows` as a table, by `Accept`.
//!
//! A handler takes a [`Accepted`] out of the request, which refuses what is asked for in a form that is not had before anything is
//! counted, and gives it the object when it is there. [`table`] lays rows out in columns, [`csv`], [`lines`] and [`parquet`]
//! write them. What the object says beside its rows goes into headers, and into a Parquet file's footer.
//!
//! Nothing here knows what a report counts.

mod accept;
mod column;
mod csv;
mod form;
mod lines;
mod parquet;
mod table;

pub(crate) use column::{Column, Kind, Shape};
pub(crate) use form::{Accepted, Answer};
