//! QR codes are read back by a decoder that shares no code with what drew them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod picture;
mod read;
mod refused;
