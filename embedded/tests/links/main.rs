//! `whence links` as a person meets it: the real command, a real API over HTTP, a real link store.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod refused;
mod round_trip;
mod support;
mod transport;
