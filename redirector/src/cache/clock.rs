//! The age of what is cached, in few bits: ticks of a twentieth of a second since the start.
//!
//! A thread of its own moves the hand, so that a hit reads a number and not the machine's clock, which would
//! be a quarter of what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A tick: 32 bits of them are seven years, and no time to live needs to be told more finely.
const TICK_MS: u32 = 50;
const PER_SECOND: u64 = 1000 / TICK_MS as u64;

/// Counts ticks. A clone shows the same time.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    hand: Arc<AtomicU32>,
    /// Ticks that a test has let pass.
    #[cfg(test)]
    skipped: Arc<AtomicU32>,
}

impl Clock {
    /// A clock at 0, which runs until the last clone of it is gone.
    pub(crate) fn start() -> Self {
        let hand = Arc::new(AtomicU32::new(0));
        let moved = Arc::downgrade(&hand);
        let start = Instant::now();
        let mover = move || {
            loop {
                thread::sleep(Duration::from_millis(TICK_MS.into()));
                let Some(hand) = moved.upgrade() else {
                    return;
                };
                hand.store(ticks(start.elapsed()), Ordering::Relaxed);
            }
        };
        thread::Builder::new()
            .name("cache-clock".into())
            .spawn(mover)
            .expect("a process that starts can have a thread");
        Self {
            hand,
            #[cfg(test)]
            skipped: Arc::default(),
        }
    }

    /// The current tick.
    pub(crate) fn now(&self) -> u32 {
        let now = self.hand.load(Ordering::Relaxed);
        #[cfg(test)]
        let now = now + self.skipped.load(Ordering::SeqCst);
        now
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn skip(&self, time: Duration) {
        self.skipped.fetch_add(ticks(time), Ordering::SeqCst);
    }
}

/// How many ticks are over in a time.
pub(super) fn ticks(time: Duration) -> u32 {
    let whole = time.as_secs().saturating_mul(PER_SECOND);
    let ticks = whole.saturating_add((time.subsec_millis() / TICK_MS).into());
    // Seven years hence, what is kept is as old as can be said.
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_and_ends() {
        let clock = Clock::start();
        let hand = Arc::downgrade(&clock.hand);
        while clock.now() < 2 {
            thread::sleep(Duration::from_millis(5));
        }
        clock.skip(Duration::from_secs(10));
        assert!(clock.now() >= 202);
        drop(clock);
        while hand.strong_count() > 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn times_in_ticks() {
        assert_eq!(ticks(Duration::from_millis(149)), 2);
        assert_eq!(ticks(Duration::from_secs(60)), 1200);
        assert_eq!(ticks(Duration::MAX), u32::MAX);
    }
}
