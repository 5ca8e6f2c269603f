//! What marketers use: links, domains and the workspace over HTTP, and reports on what became of the
//! clicks.
//!
//! A request's way: [`server`] binds and serves, [`router`] finds the handler, [`door`] lets the key's
//! holder in, [`fields`] reads what was sent, then [`links`], [`domains`], [`workspace`] or
//! [`reports`] answer; a report's answer goes out as its caller likes it by [`answer`]. What is refused is an RFC 9457 problem
//! that names the field. Beside all this [`bandit`] lets reports set the weights of variants, [`audit`] proves that nothing was
//! lost, and [`dashboard`] is the page that shows it all.
//!
//! Architecture invariant: a handler learns its workspace only from the caller's key, so no request
//! can reach another's data; the audit is of the whole installation, and a right of its own. All SQL
//! stands in `sql/`. Redirects never pass here.

mod answer;
mod api;
pub mod attribution;
pub mod audit;
mod bandit;
mod cohorts;
mod dashboard;
mod domains;
mod door;
mod fields;
mod funnel;
mod held;
mod keys;
mod kpis;
mod limits;
mod links;
mod metrics;
mod openapi;
mod paths;
mod problems;
mod query;
mod reports;
mod revision;
mod router;
mod server;
mod spreadsheet;
mod workspace;

pub use server::Server;
