//! Sizes and times of shipping, and why they are what they are.

use std::time::Duration;

/// The sizes and times of one shipper. Tests choose others; nobody else has a reason to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long records gather before they are sealed.
    pub gather: Duration,
    /// The largest block.
    pub block_bytes: usize,
    /// The most records in a block.
    pub block_records: u32,
    /// The first pause after a failure; it doubles from there.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How often a block must be refused for good before it is set aside.
    pub refusals: u32,
    /// How long, from the first refusal on, everybody must have refused it.
    pub refused_for: Duration,
    /// How long, where some refuse and others cannot be asked.
    pub disputed_for: Duration,
    /// How often it is looked whether a block that was set aside is to be sent again.
    pub look: Duration,
    /// How often the lane gives its account.
    pub report: Duration,
    /// How often the figures move while a block waits.
    pub observe: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // A click shows in a report within two seconds, and ClickHouse is not worn down by tiny inserts.
            gather: Duration::from_millis(500),
            // Both ends hold one in memory.
            block_bytes: 8 << 20,
            // One insert of the size that ClickHouse likes.
            block_records: 50_000,
            first_pause: Duration::from_millis(100),
            // What a recovery is noticed after.
            longest_pause: Duration::from_secs(5),
            // Once may be an ingest that is stopping or out of its mind; the third time it is the block.
            refusals: 3,
            // Longer than an ingest takes to be restarted, shorter than a lane takes to fill.
            refused_for: Duration::from_secs(10),
            // A rolling upgrade passes in it; an address that is never coming back does not stop a lane.
            disputed_for: Duration::from_secs(60),
            // Somebody is watching, and a look is one system call.
            look: Duration::from_secs(2),
            report: Duration::from_secs(10),
            observe: Duration::from_secs(1),
        }
    }
}
