//! The edge: answers every request to a short link, and loses none.
//!
//! The way of a click, in the order in which to read it:
//!
//! 1. [`server`] binds the ports, begins to [`warm`] the cache, and starts one [`worker`] thread for each
//!    core, which lets connections in through the [`door`];
//! 2. [`front`] reads a [`request`] off a connection and writes its [`answer`] to it;
//! 3. [`way`] is the whole way of one request, each step a line: [`limits`] stands at the door,
//!    [`resolve`] finds the link's [`target`] (through the near [`cache`]), [`decide`] says what becomes of
//!    the click, [`record`] journals it. [`pages`] are what is said in words of our own, [`beside`] what
//!    stands beside the links; [`caps`] and [`locked`] find out what few links need to know;
//! 4. [`deliver`] sends what the journal holds to ingest, later and elsewhere.
//!
//! Architecture invariant: a redirect waits for nothing but a near-cache miss, except on links whose
//! owner asks for a count of clicks or a password. Nothing on the way knows ingest or ClickHouse; what a
//! click means is not judged here.

mod answer;
mod beside;
mod cache;
mod caps;
mod decide;
mod deliver;
mod door;
mod front;
mod limits;
mod locked;
mod metrics;
mod pages;
mod record;
mod request;
mod resolve;
mod server;
mod short;
mod target;
mod warm;
mod way;
mod worker;

pub use request::Headers;
pub use server::Server;
