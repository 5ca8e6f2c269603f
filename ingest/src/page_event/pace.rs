//! How fast events of one person may come from browsers: a page whose script goes round in circles must not fill the journal.
//!
//! Whoever makes up customers is not held by it; against that there is the bound of the lane, which is this table's own.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use quick_cache::sync::Cache;
use whence_core::id::{ClickId, VisitorId};
use whence_core::page_event::PageEvent;
use whence_core::workspace::WorkspaceId;

/// How many persons are remembered: some hundred bytes each. Who is forgotten begins anew.
const REMEMBERED: usize = 65_536;
/// Events at once: a person who has opened many tabs, a page that tells all of its steps.
pub(crate) const AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Events a second from then on: more than anybody clicks.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Who it is, by everything that an event says.
type Person = (WorkspaceId, Option<ClickId>, Option<VisitorId>, String);

/// The pace of everybody.
#[derive(Debug)]
pub(crate) struct Pace(Cache<Person, Arc<DefaultDirectRateLimiter>>);

impl Pace {
    /// Of nobody yet.
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    /// Whether one more of this person is no more than may come.
    pub(crate) fn allows(&self, event: &PageEvent) -> bool {
        let PageEvent {
            workspace,
            click,
            visitor,
            customer,
            ..
        } = event;
        let person = (workspace.clone(), *click, *visitor, customer.clone());
        let quota = Quota::per_second(PER_SECOND).allow_burst(AT_ONCE);
        let begin = || Ok::<_, std::convert::Infallible>(Arc::new(RateLimiter::direct(quota)));
        let Ok(limiter) = self.0.get_or_insert_with(&person, begin);
        limiter.check().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_event::repeats::tests::event;

    #[test]
    fn each_person_has_a_pace_of_their_own() {
        let pace = Pace::new();
        let hers = event(1, 5);
        let allowed = (0..3 * AT_ONCE.get()).filter(|_| pace.allows(&hers));
        let allowed = allowed.count();
        // A slow machine gives some of the seconds back.
        assert!((100..300).contains(&allowed), "{allowed}");
        assert!(!(0..AT_ONCE.get()).all(|_| pace.allows(&hers)));
        let others = PageEvent {
            visitor: Some(VisitorId(3)),
            ..hers
        };
        assert!(pace.allows(&others));
    }
}
