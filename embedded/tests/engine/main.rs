//! The embedded ClickHouse as its clients see it: the real program with the real engine, spoken to
//! over HTTP, by the official clients and by hand.

// Helpers of tests unwrap as the tests themselves may.
#![allow(clippy::unwrap_used)]

mod clients;
mod concurrency;
mod crash;
mod encodings;
mod formats;
mod http;
mod process;
mod rust_client;
mod stateless;
mod streaming;
mod support;
