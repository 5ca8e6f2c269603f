//! The age of what is cached, in few bits: ticks of a twentieth of a second since the start.

use std::time::{Duration, Instant};

/// A tick: 32 bits of them are seven years, and no time to live needs to be told more finely.
const TICK_MS: u32 = 50;
const PER_SECOND: u64 = 1000 / TICK_MS as u64;

/// Counts ticks. A clone shows the same time.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: Instant,
    /// Ticks that a test has let pass.
    #[cfg(test)]
    skipped: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Clock {
    /// A clock at 0.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            #[cfg(test)]
            skipped: std::sync::Arc::default(),
        }
    }

    /// The current tick.
    pub(crate) fn now(&self) -> u32 {
        let now = ticks(self.start.elapsed());
        #[cfg(test)]
        let now = now + self.skipped.load(std::sync::atomic::Ordering::SeqCst);
        now
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn skip(&self, time: Duration) {
        self.skipped
            .fetch_add(ticks(time), std::sync::atomic::Ordering::SeqCst);
    }
}

/// How many ticks are over in a time.
pub(super) fn ticks(time: Duration) -> u32 {
    let ticks = time.as_secs() * PER_SECOND + u64::from(time.subsec_millis() / TICK_MS);
    // Seven years hence, what is kept is as old as can be said.
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
