//! The collector: takes click blocks and conversions, and brings them into ClickHouse exactly once.
//!
//! `api` takes requests, `enrich` finds out what a click means, `conversion` accepts each event once, `confirmation` and
//! `page_event` take what pages say, `insert` brings blocks into the tables, `carried` copies what reports on conversions need. Answering redirects and asking reports belong elsewhere.

mod accounts;
mod api;
mod carried;
mod confirmation;
mod conversion;
pub mod enrich;
mod fields;
mod insert;
mod intake;
mod known;
mod metrics;
mod once;
mod page_event;
pub mod reclassify;
mod refill;
mod refusal;
mod retention;
mod rules;
mod server;
mod stored;
mod turns;
mod unreadable;
mod visitors;

pub use server::Server;
