//! The journal against a model: a file system that forgets what was not synced, and an oracle that knows
//! what must be read back.

mod basics;
mod crash;
mod crash_steps;
mod damage;
mod durability;
mod full;
mod harness;
mod histories;
mod model;
mod tamper;
mod wire;

use std::time::Duration;

use proptest::{prelude::ProptestConfig, test_runner::RngSeed};

use super::{Durability, LaneOptions};

/// 256 cases, the same in each run; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for more, or for others.
pub(super) fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(2026),
        chosen @ RngSeed::Fixed(_) => chosen,
    };
    ProptestConfig {
        failure_persistence: None,
        rng_seed,
        ..default
    }
}

/// A little larger: a segment has several pages, so that the pen leaves one to the sync and goes on in the next.
fn paged() -> LaneOptions {
    LaneOptions {
        segment_bytes: 3 * 4096,
        max_bytes: 9 * 4096,
        ..small()
    }
}

/// A lane so small that a few records fill it: four segments of 4 KiB.
fn small() -> LaneOptions {
    LaneOptions {
        segment_bytes: 4096,
        max_bytes: 4 * 4096,
        max_record_bytes: 1000,
        durability: Durability::Process,
        sync_interval: Duration::from_millis(200),
    }
}
