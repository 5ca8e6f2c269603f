//! The service from outside: a real server on a free port, a real link store in a file, and where a
//! report is asked, the real ClickHouse engine.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod audit;
mod audit_oracle;
mod bandit;
mod bulk;
mod changes;
mod dashboard;
mod docs;
mod domains;
mod events;
mod explain;
mod external;
mod files;
mod fleet;
mod forms;
mod funnel;
mod held;
mod journeys;
mod keys;
mod kinds;
mod kpis;
mod late;
mod links;
mod lists;
mod oracle;
mod outages;
mod qr;
mod query;
mod refusals;
mod reports;
mod rollups;
mod separation;
mod service;
mod support;
mod workspace;
