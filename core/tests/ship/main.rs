//! The shipper over a real journal: everything arrives in order, whatever the other side does; what it will
//! never take is set aside and nothing waits behind it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod accounts;
mod aside;
mod basics;
mod chance;
mod kill;
mod support;
