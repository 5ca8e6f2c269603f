//! The whole way of one click, from the request to the answer. Read this first.
//!
//! Every step is a call into the room that knows how; what belongs here is their order, and what
//! happens when one of them says no.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use tokio::sync::mpsc;
use whence_core::agent::Agents;
use whence_core::click::Outcome;
use whence_core::config::{OnFull, Redirector};
use whence_core::id::VisitorId;
use whence_core::journal::{AppendError, Durability, DurableError, Poisoned};
use whence_core::place::Places;
use whence_core::store::StoreError;

use crate::answer::{self, Answer};
use crate::beside::{self, Beside};
use crate::caps::Caps;
use crate::decide::{Ask, Decision, Facts, Insight, Room, decide, inspect};
use crate::front::CookieLines;
use crate::limits::Limits;
use crate::locked::{self, Lock, Unchecked};
use crate::metrics::Counters;
use crate::pages::{self, Document};
use crate::record::Recorder;
use crate::request::Asked;
use crate::resolve::{Place, Resolver};
use crate::short::ShortUrls;
use crate::target::{Rich, Target};

/// The longest path and query that are looked at: slugs are at most 1 KiB, percent-encoded 3 KiB.
pub(crate) const LONGEST_TARGET: usize = 8 * 1024;

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
    /// Counts clicks on links that have a cap.
    pub(crate) caps: Caps,
    /// Checks passwords of links.
    pub(crate) lock: Lock,
    /// Reads agents, for links that ask.
    pub(crate) agents: Agents,
    /// Finds places, for links that ask.
    pub(crate) places: Places,
    /// Writes short URLs.
    pub(crate) short: ShortUrls,
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
        let limits = &self.shared.limits;

        // At the door.
        if asked.path.len() + asked.query.len() > LONGEST_TARGET {
            self.counters.malformed.inc();
            return answer::target_too_long();
        }
        if let Err(wait) = limits.admit(asked.client) {
            return self.limited(wait);
        }

        // Resolve.
        let place = match self.resolve(asked, &asked.slug).await {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        // What waits for the store is boxed: few requests do, and the future of every click would be as large.
        if let Some(document) = pages::named(asked.path)
            && let Some(answer) = Box::pin(self.document(document, asked, &place)).await
        {
            return answer;
        }
        let (place, inspected) = match beside::named(asked, &place) {
            None => (place, false),
            Some((kind, slug)) => match self.resolve(asked, slug).await {
                Err(answer) => return answer,
                Ok(found) if !beside::may_be_asked(&found) => (place, false),
                Ok(found) if kind == Beside::Inspection => (found, true),
                Ok(found) => return Box::pin(self.qr(asked, &found)).await,
            },
        };
        if let Some(refused) = self.link_limited(&place) {
            return refused;
        }

        // Decide.
        let unix_ms = unix_ms();
        let click = self.recorder.borrow_mut().mint(&place, unix_ms);
        let mut facts = Facts {
            now: Timestamp::from_millisecond(unix_ms as i64).unwrap_or(Timestamp::MAX),
            click,
            short: &self.shared.short,
            password: None,
            room: Self::remembered_room(&place),
            insight: Insight::new(
                asked,
                &self.shared.agents,
                &self.shared.places,
                VisitorId::random,
            ),
        };
        let mut decision = loop {
            let verdict = match inspected {
                false => decide(asked, &place, &facts),
                true => inspect(asked, &place, &facts),
            };
            match verdict {
                Ok(decision) => break decision,
                Err(ask) => {
                    let found = Box::pin(self.find_out(ask, asked, &place, &mut facts)).await;
                    if let Err(answer) = found {
                        return answer;
                    }
                }
            }
        };
        self.make_known(&mut decision, &facts);

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
        self.counters.answered(decision.outcome);
        if place.stale && decision.outcome == Outcome::Redirected {
            self.counters.stale.inc();
        }
        decision.answer
    }

    /// What stands at a slug of the host asked for.
    async fn resolve(&self, asked: &Asked<'_>, slug: &str) -> Result<Place, Answer> {
        let place = self.shared.resolver.place(&asked.host, slug).await;
        place.map_err(|error| self.away(&error))
    }

    /// What the host shows to machines beside its links; none where a link may stand there.
    async fn document(
        &self,
        document: Document,
        asked: &Asked<'_>,
        place: &Place,
    ) -> Option<Answer> {
        let shown = match &place.site {
            None => None,
            Some(_) => match self.shared.resolver.documents(&asked.host).await {
                Ok(shown) => Some(shown),
                Err(error) => return Some(self.away(&error)),
            },
        };
        let page = document.of(shown.as_ref())?;
        self.counters.documents.inc();
        Some(Answer::Page(page))
    }

    /// A picture of a link's short URL.
    async fn qr(&self, asked: &Asked<'_>, place: &Place) -> Answer {
        if let Some(refused) = self.link_limited(place) {
            return refused;
        }
        if let Err(wait) = self.shared.limits.admit_picture(asked.client) {
            return self.limited(wait);
        }
        let site = place.site.as_ref().expect("a link stands on a host");
        match self.shared.resolver.documents(&asked.host).await {
            Ok(shown) => {
                self.counters.documents.inc();
                Answer::Page(beside::qr(asked, site, shown, &self.shared.short).await)
            }
            Err(error) => self.away(&error),
        }
    }

    /// The answer where a link is asked for too often, whoever asks.
    fn link_limited(&self, place: &Place) -> Option<Answer> {
        let target = place.target.as_ref()?;
        let wait = self.shared.limits.admit_link(target.id()).err()?;
        Some(self.limited(wait))
    }

    /// The answer where the store cannot be asked.
    fn away(&self, error: &StoreError) -> Answer {
        self.counters.unavailable.inc();
        tracing::debug!(%error, "the link store could not be asked");
        answer::unavailable()
    }

    /// What is known of a link's cap without asking anybody.
    fn remembered_room(place: &Place) -> Room {
        let rich = place.target.as_ref().and_then(Target::rich);
        match rich.is_some_and(Rich::is_used_up) {
            true => Room::UsedUp,
            false => Room::Unknown,
        }
    }

    /// Finds out what the decision needs: these are the waits that a link's owner has asked for.
    async fn find_out(
        &self,
        ask: Ask,
        asked: &Asked<'_>,
        place: &Place,
        facts: &mut Facts<'_>,
    ) -> Result<(), Answer> {
        let Shared {
            limits, caps, lock, ..
        } = &*self.shared;
        let target = place.target.as_ref().expect("only a link asks");
        let link = target.id();
        match ask {
            Ask::Room { cap, takes } => match caps.ask(target, cap, takes).await {
                Ok(room) => facts.room = room,
                Err(error) => return Err(self.away(&error)),
            },
            Ask::Password => {
                let hash = target
                    .rich()
                    .and_then(|rich| rich.spec.password_hash.as_ref());
                let hash = hash.expect("only a link with a password asks for it");
                let Some(password) = locked::in_form(asked) else {
                    facts.password = Some(lock.shown(asked, link, hash, facts.now));
                    return Ok(());
                };
                if let Err(wait) = limits.admit_attempt(asked.client, link) {
                    return Err(self.limited(wait));
                }
                let path = locked::path_of_link(asked, place);
                match lock.given(&password, path, link, hash, facts.now).await {
                    Ok(password) => facts.password = Some(password),
                    Err(Unchecked::TooOften(wait)) => return Err(self.limited(wait)),
                    Err(error) => {
                        self.counters.unavailable.inc();
                        tracing::debug!(%error, "a password could not be checked");
                        return Err(answer::unavailable());
                    }
                }
            }
        }
        Ok(())
    }

    /// Sets the visitor's cookies on an answer of our own; a redirect has a place for them.
    fn make_known(&self, decision: &mut Decision<'_>, facts: &Facts<'_>) {
        if let (Answer::Page(page), Some(visitor)) = (&mut decision.answer, decision.visitor) {
            let lines = self.shared.cookies.lines(visitor.id, facts.click);
            let lines = lines.map(|line| ("set-cookie", line.into()));
            page.headers.extend(lines);
        }
    }

    fn limited(&self, wait: Duration) -> Answer {
        self.counters.limited.inc();
        answer::too_many(wait.as_secs() + 1)
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
