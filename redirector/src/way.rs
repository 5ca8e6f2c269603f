//! The whole way of one click, from the request to the answer. Read this first.
//!
//! Every step is a call into the room that knows how; what belongs here is their order, and what
//! happens when one of them says no.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use whence_core::click::Outcome;
use whence_core::config::{OnFull, Redirector};
use whence_core::id::VisitorId;
use whence_core::journal::{AppendError, Durability, DurableError, Poisoned};

use crate::answer::{self, Answer};
use crate::decide::decide;
use crate::front::CookieLines;
use crate::limits::Limits;
use crate::metrics::Counters;
use crate::record::Recorder;
use crate::request::Asked;
use crate::resolve::Resolver;

/// The longest path and query that are looked at: slugs are at most 1 KiB, percent-encoded 3 KiB.
const LONGEST_TARGET: usize = 8 * 1024;

/// What the threads share.
pub(crate) struct Shared {
    /// The configuration.
    pub(crate) config: Redirector,
    /// The visitor's cookies.
    pub(crate) cookies: CookieLines,
    /// Finds links.
    pub(crate) resolver: Arc<Resolver>,
    /// Limits clients.
    pub(crate) limits: Limits,
    /// How many connections each thread keeps at a time.
    pub(crate) connections_per_thread: usize,
    /// Where a broken journal is reported; the process then ends.
    pub(crate) broken: mpsc::Sender<Poisoned>,
}

/// What one thread needs to answer clicks.
pub(crate) struct Way {
    /// What it shares with the others.
    pub(crate) shared: Arc<Shared>,
    /// Its own counters.
    pub(crate) counters: Arc<Counters>,
    /// Its own journal lane.
    pub(crate) recorder: RefCell<Recorder>,
}

impl Way {
    /// Answers a request.
    pub(crate) async fn answer(&self, asked: &Asked<'_>) -> Answer {
        let Shared {
            resolver, limits, ..
        } = &*self.shared;

        // At the door.
        if asked.path.len() + asked.query.len() > LONGEST_TARGET {
            self.counters.malformed.inc();
            return answer::target_too_long();
        }
        if let Err(wait) = limits.admit(asked.client) {
            self.counters.limited.inc();
            return answer::too_many(wait.as_secs() + 1);
        }

        // Resolve.
        let place = match resolver.place(&asked.host, &asked.slug).await {
            Ok(place) => place,
            Err(error) => {
                self.counters.unavailable.inc();
                tracing::debug!(%error, "a link could not be looked up");
                return answer::unavailable();
            }
        };
        if place.stale {
            self.counters.stale.inc();
        }

        // Decide.
        let click = self.recorder.borrow_mut().mint(&place, unix_ms());
        let decision = decide(asked, &place, click, VisitorId::random);

        // Journal.
        let appended = self
            .recorder
            .borrow_mut()
            .record(click, asked, &place, &decision);
        if !self.journalled(appended).await {
            self.counters.refused.inc();
            return answer::unavailable();
        }

        // Answer.
        match decision.outcome {
            Outcome::Redirected => self.counters.redirected.inc(),
            _ => self.counters.not_found.inc(),
        }
        decision.answer
    }

    /// Whether the click may be answered: it is in the journal, or it is lost and that is allowed.
    async fn journalled(&self, appended: Result<u64, AppendError>) -> bool {
        let config = &self.shared.config;
        match appended {
            Ok(_) if config.journal.durability == Durability::Process => true,
            Ok(seq) => {
                let durable = self.recorder.borrow().lane.durable(seq);
                match durable.await {
                    Ok(()) => true,
                    Err(DurableError::Poisoned(cause)) => self.broken(cause),
                    Err(DurableError::Closed { .. }) => false,
                }
            }
            Err(AppendError::Poisoned { cause, .. }) => self.broken(cause),
            Err(AppendError::Full { .. } | AppendError::TooLarge { .. }) => {
                let serve = config.on_full == OnFull::Serve;
                if serve {
                    self.counters.dropped.inc();
                }
                serve
            }
        }
    }

    /// Reports a journal that cannot be trusted any more: nothing is answered on its word.
    fn broken(&self, cause: Poisoned) -> bool {
        // One report is enough; a full channel holds it already.
        let _ = self.shared.broken.try_send(cause);
        false
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
