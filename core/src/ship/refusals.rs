//! When a block has been refused often enough to be set aside.

use std::time::Instant;

use super::{DeliverError, Settings};

/// What one block has met with so far.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    count: u32,
    since: Option<Instant>,
}

impl Refusals {
    /// Takes note of a failure at `now`; true when the block is to be set aside for it.
    ///
    /// Somebody who is away says nothing of the block: it neither counts nor makes others forget.
    pub(super) fn are_enough(
        &mut self,
        error: &DeliverError,
        settings: &Settings,
        now: Instant,
    ) -> bool {
        let patience = match error {
            DeliverError::Retry(_) => return false,
            DeliverError::Refused(_) => settings.refused_for,
            DeliverError::Disputed(_) => settings.disputed_for,
        };
        self.count = self.count.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        self.count >= settings.refusals && now.saturating_duration_since(since) >= patience
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seconds_until(answers: impl Iterator<Item = DeliverError>) -> Option<u64> {
        let (settings, start) = (Settings::default(), Instant::now());
        let mut refusals = Refusals::default();
        answers
            .enumerate()
            .map(|(n, error)| (n as u64 * 5, error))
            .find(|(at, error)| {
                refusals.are_enough(error, &settings, start + Duration::from_secs(*at))
            })
            .map(|(at, _)| at)
    }

    #[test]
    fn it_takes_several_over_some_time() {
        let refused = || DeliverError::Refused(String::new());
        let disputed = || DeliverError::Disputed(String::new());
        let away = || DeliverError::Retry(String::new());
        assert_eq!(seconds_until((0..100).map(|_| refused())), Some(10));
        assert_eq!(seconds_until((0..100).map(|_| disputed())), Some(60));
        assert_eq!(seconds_until((0..100).map(|_| away())), None);
        let mixed = |n| if n % 2 == 0 { refused() } else { away() };
        assert_eq!(seconds_until((0..100).map(mixed)), Some(20));
        // At once three times is one moment of one ingest.
        let mut refusals = Refusals::default();
        let now = Instant::now();
        let at_once = (0..5).any(|_| refusals.are_enough(&refused(), &Settings::default(), now));
        assert!(!at_once);
    }
}
