//! The embedded ClickHouse as its clients see it: the real program with the real engine, spoken to
//! over HTTP, by the official clients and by hand.

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
