//! The collector: takes click blocks and conversions, and brings them into ClickHouse exactly once.
//!
//! What a click means is found out in `enrich`. Answering redirects and asking reports belong elsewhere.

pub mod enrich;
