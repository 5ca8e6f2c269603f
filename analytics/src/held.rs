//! Clicks of people, held in memory once somebody has asked about them, so that whoever asks again need not wait until they are read.
//!
//! What takes longest in a report is to find out of each click whether its visitor was there before: a place in memory for each
//! visitor, filled anew for each question. Here visitors have small numbers once and for all, and a click is eight numbers.
//!
//! **Nothing is ever answered out of memory that is not what ClickHouse has when it is asked, or later.** Each question asks first for the
//! prints of its hours (`sql/held/prints.sql`); hours whose print is another are read again, few at once, many behind the answer's
//! back while it is counted the other way.
//!
//! [`clicks`] is a workspace's clicks as numbers, [`reading`] brings them up to date, [`shelf`] says whose are held and for how long.
//! What is counted of them is said where it is asked: in overviews, funnels and attribution. So every count stands here twice, by
//! SQL and by hand; the tests hold one to the other.

mod clicks;
mod reading;
mod shelf;

pub(crate) use clicks::{NOBODY, Snapshot, column};
pub(crate) use shelf::Held;
