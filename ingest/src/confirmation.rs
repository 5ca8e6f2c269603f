//! Confirmations: from the checked facts to the journal, and from there into ClickHouse.
//!
//! One click is confirmed once, whoever repeats it: the table keeps the first. So nothing here has to count exactly
//! once, and the lane has no account in the audit.

pub(crate) mod desk;
mod row;
pub(crate) mod sink;
