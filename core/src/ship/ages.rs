//! How long the oldest record that has not arrived has been waiting. Records carry no time that the journal
//! could read, so it is remembered now and then how far the numbers had come.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::journal::Seq;

/// The most moments that are remembered: at one a second, an outage of a quarter of an hour; of a longer one
/// every second moment is forgotten.
const MOST: usize = 1024;

/// How far a lane's numbers had come, and when.
#[derive(Debug, Default)]
pub(super) struct Ages {
    /// The number, and when it was first seen to be given out.
    moments: VecDeque<(Seq, Instant)>,
    /// The least time between two of them.
    apart: Duration,
}

impl Ages {
    /// Takes note that the numbers up to `taken` were given out by `now`.
    pub(super) fn note(&mut self, taken: Seq, now: Instant) {
        if let Some(&(last, at)) = self.moments.back()
            && (taken <= last || now.saturating_duration_since(at) < self.apart)
        {
            return;
        }
        self.moments.push_back((taken, now));
        if self.moments.len() > MOST {
            let mut place = 0;
            self.moments.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.apart = (self.apart * 2).max(Duration::from_secs(1));
        }
    }

    /// When the number after `done` was first seen, of those up to `taken`; none where there is none.
    pub(super) fn oldest(&mut self, done: Seq, taken: Seq, now: Instant) -> Option<Instant> {
        while self.moments.front().is_some_and(|&(seq, _)| seq <= done) {
            self.moments.pop_front();
        }
        if self.moments.is_empty() {
            self.apart = Duration::ZERO;
        }
        let first = self.moments.front().map_or(now, |&(_, at)| at);
        (taken > done).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_ages_and_its_arrival_shows_the_next() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut ages = Ages::default();
        for second in 0..=600 {
            ages.note(second * 2_000, at(second));
        }
        assert_eq!(ages.oldest(0, 1_200_000, at(600)), Some(at(1)));
        assert_eq!(ages.oldest(2_000, 1_200_000, at(600)), Some(at(2)));
        assert_eq!(ages.oldest(600_500, 1_200_000, at(600)), Some(at(301)));
        assert_eq!(ages.oldest(1_200_000, 1_200_000, at(600)), None);
        // A number that was not seen yet is new.
        assert_eq!(ages.oldest(1_200_000, 1_200_001, at(601)), Some(at(601)));
    }

    #[test]
    fn a_long_outage_is_remembered_in_little_memory() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut ages = Ages::default();
        let day = 86_400;
        for second in 1..=day {
            ages.note(second, at(second));
            assert!(ages.moments.len() <= MOST);
        }
        for done in [0, day / 3, day / 2, day - 1_000] {
            let oldest = ages.oldest(done, day, at(day)).unwrap();
            let late = oldest.duration_since(at(done + 1)).as_secs();
            assert!(late <= 256, "{done}: {late} s late");
        }
    }
}
