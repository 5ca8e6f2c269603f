//! Page events: from the checked fields to the journal, and from there into ClickHouse.
//!
//! One event counts once within a day, whoever sends it again: the desk knows the last ones, and the sink asks ClickHouse for the
//! others before it inserts a block. Nobody waits for that who sends one. The lane has no account in the audit: of an event that
//! was sent twice one number has no row, by intent.

pub(crate) mod check;
pub(crate) mod desk;
pub(crate) mod pace;
mod page;
mod repeats;
mod row;
pub(crate) mod sink;
