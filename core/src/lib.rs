//! What every service shares: the vocabulary (ids, links, clicks, conversions), the link store, the
//! journal, the ClickHouse client and its migrations, what agents and addresses say, configuration and telemetry.
//!
//! Architecture invariant: nothing here knows a service. A redirect, an enrichment rule or a report
//! does not belong in this crate; what two of them must agree on does.

pub mod account;
pub mod admin;
pub mod agent;
pub mod body;
pub mod bulkhead;
pub mod channel_rule;
pub mod click;
pub mod clickhouse;
pub mod config;
pub mod confirmation;
pub mod conversion;
pub mod domain;
pub mod erased;
pub mod id;
pub mod journal;
pub mod key;
pub mod link;
pub mod page_event;
pub mod parts;
pub mod password;
pub mod place;
pub mod problem;
pub mod process;
pub mod qr;
pub mod salt;
pub mod secret;
pub mod serve;
pub mod service;
pub mod ship;
pub mod store;
pub mod telemetry;
#[cfg(feature = "test-support")]
pub mod test_support;
pub mod wire;
pub mod workspace;
