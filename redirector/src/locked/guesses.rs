//! Wrong passwords, counted by link: however many clients guess together, they try no more than this.
//!
//! Right ones are not counted, so that a link whose password many know opens for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use whence_core::id::LinkId;

/// How long wrong passwords are remembered, from the first of them on.
const WINDOW: Duration = Duration::from_secs(60);
/// How many a link forgives in that time: years for any password that is not in a short list.
const MOST_WRONG: u32 = 60;
/// How many of one link may be checked or wait for it at a time, so that others find room.
const MOST_AT_ONCE: u32 = 8;
/// From how many links on those are looked for that can be forgotten.
const MANY: usize = 1024;

/// What has been guessed of late.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<LinkId, Tried>>);

#[derive(Debug)]
struct Tried {
    since: Instant,
    wrong: u32,
    checking: u32,
}

/// A password that is being checked.
#[derive(Debug)]
pub(super) struct Guess<'g> {
    guesses: &'g Guesses,
    link: LinkId,
}

impl Guesses {
    /// Begins to check a password of a link at `now`; where it is one too many, says how long to wait.
    pub(super) fn begin(&self, link: LinkId, now: Instant) -> Result<Guess<'_>, Duration> {
        let mut links = self.lock();
        if links.len() > MANY {
            links.retain(|_, tried| tried.checking > 0 || now < tried.since + WINDOW);
        }
        let tried = links.entry(link).or_insert(Tried {
            since: now,
            wrong: 0,
            checking: 0,
        });
        let age = now.saturating_duration_since(tried.since);
        if age >= WINDOW {
            (tried.since, tried.wrong) = (now, 0);
        } else if tried.wrong + tried.checking >= MOST_WRONG {
            return Err(WINDOW - age);
        }
        if tried.checking >= MOST_AT_ONCE {
            // Some hundredths of a second each.
            return Err(Duration::ZERO);
        }
        tried.checking += 1;
        Ok(Guess {
            guesses: self,
            link,
        })
    }

    // A holder that panicked left it whole: nothing below can.
    fn lock(&self) -> MutexGuard<'_, HashMap<LinkId, Tried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess<'_> {
    /// It was wrong.
    pub(super) fn note_wrong(self) {
        if let Some(tried) = self.guesses.lock().get_mut(&self.link) {
            tried.wrong += 1;
        }
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        let mut links = self.guesses.lock();
        if let Some(tried) = links.get_mut(&self.link) {
            tried.checking -= 1;
            if tried.checking == 0 && tried.wrong == 0 {
                links.remove(&self.link);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: LinkId = LinkId(1);

    #[test]
    fn a_link_forgives_so_many_wrong_ones_and_any_number_of_right_ones() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let later = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..10 * MOST_WRONG {
            drop(guesses.begin(LINK, start).unwrap());
        }
        assert!(guesses.lock().is_empty(), "nothing is remembered of them");
        for _ in 0..MOST_WRONG {
            guesses.begin(LINK, start).unwrap().note_wrong();
        }
        let wait = guesses.begin(LINK, later(20)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(40));
        assert!(guesses.begin(LinkId(2), later(20)).is_ok(), "another link");
        guesses.begin(LINK, later(60)).unwrap().note_wrong();
        assert!(guesses.begin(LINK, later(61)).is_ok(), "the next minute");
    }

    #[test]
    fn those_being_checked_count_until_they_are() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let mut checking: Vec<_> = (0..MOST_AT_ONCE)
            .map(|_| guesses.begin(LINK, now).unwrap())
            .collect();
        assert!(guesses.begin(LINK, now).is_err());
        assert!(guesses.begin(LinkId(2), now).is_ok(), "another link");
        checking.pop();
        assert!(guesses.begin(LINK, now).is_ok());
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for link in 0..=MANY as u64 {
            guesses.begin(LinkId(link), now).unwrap().note_wrong();
        }
        drop(guesses.begin(LINK, now + WINDOW).unwrap());
        assert!(guesses.lock().is_empty());
    }
}
