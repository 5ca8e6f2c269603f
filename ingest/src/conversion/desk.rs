//! Accepts conversions: each event once, and none answered before it stands in the journal.
//!
//! Whether an event is new is known from two places that together miss nothing: what is in the journal
//! and not yet in ClickHouse is held in memory (and read back from the journal at the start), the rest
//! is asked of ClickHouse. While ClickHouse is away, an event that it alone knows is accepted once more;
//! the table then keeps the first. A conversion is never turned away for that.
//!
//! A server's conversion is accepted over a browser's, as the table keeps it over a browser's.
//!
//! Conversions come one by one or many at a time; those that come together are looked up together and
//! decided in their order. Nobody waits for another's claim while holding one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clickhouse::Client;
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, watch};
use whence_core::conversion::Conversion;
use whence_core::erased::ErasedEvents;
use whence_core::journal::{
    AppendError, DurableError, LaneReader, LaneWriter, Poisoned, ReadError, Seq,
};
use whence_core::wire;

use super::lookup::{self, Found, LookupError};
use super::pending::{Event, Known, Pending};
use super::receipt::{EventKey, Receipt};
use super::refund::{self, Unfit};
use super::sink::decode;
use crate::metrics::Metrics;

/// How many events may wait for ClickHouse: about 200 MB of memory, and hours of a busy shop.
const LARGEST_BACKLOG: usize = 1_000_000;
/// How long ClickHouse is left alone after it hung: what comes meanwhile need not wait for it.
const LEFT_ALONE: Duration = Duration::from_millis(500);
/// Look-ups at a time: a burst of conversions leaves ClickHouse room for the rest.
const LOOKUPS_AT_A_TIME: usize = 2;
/// Blocks that are read at the start to learn what waits. Only their bounds matter: they are sealed
/// here and shipped as they are.
const BLOCK_BYTES: usize = 8 << 20;
const BLOCK_RECORDS: u32 = 50_000;

/// A conversion was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum AcceptError {
    /// The event was accepted before, and said something else: in these fields.
    #[error("was accepted before with other facts")]
    Conflict(Vec<&'static str>),
    /// It takes back what cannot be taken back.
    #[error("{}: {}", .0.field, .0.detail)]
    Unfit(Unfit),
    /// Nothing more fits until ClickHouse takes some.
    #[error("conversions cannot be stored now: {0}")]
    Full(String),
    /// The journal is out of order; the process ends.
    #[error("conversions cannot be stored: the journal is broken")]
    Broken,
}

/// What an accepted event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Accepted just now.
    New,
    /// Accepted before, with the same facts.
    Again,
}

/// What becomes of a conversion.
type Decision = Result<Accepted, AcceptError>;

/// Where all ways in meet.
#[derive(Debug)]
pub(crate) struct Desk {
    pending: Mutex<Pending>,
    lane: Mutex<LaneWriter>,
    clickhouse: Client,
    /// What events are called that were erased.
    erased: ErasedEvents,
    lookups: Semaphore,
    /// Until when ClickHouse is left alone, where the last look-up failed.
    away_until: Mutex<Option<Instant>>,
    metrics: Metrics,
    /// Told when the journal breaks.
    broken: mpsc::Sender<Poisoned>,
}

impl Desk {
    /// A desk over a lane. Reads back what an earlier process accepted and did not ship.
    pub(crate) fn open(
        lane: LaneWriter,
        reader: &mut LaneReader,
        clickhouse: Client,
        erased: ErasedEvents,
        metrics: Metrics,
        broken: mpsc::Sender<Poisoned>,
    ) -> Result<Self, ReadError> {
        let mut pending = Pending::default();
        loop {
            let block = match reader.next_block(BLOCK_BYTES, BLOCK_RECORDS) {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(ReadError::TooManyUnacked { limit }) => {
                    tracing::warn!(
                        limit,
                        "conversions far behind are known only to the journal"
                    );
                    break;
                }
                Err(error) => return Err(error),
            };
            for (seq, payload) in block.records() {
                // What cannot be read is told when it is shipped.
                if let Ok(conversion) = decode(payload) {
                    pending.found(&Event::of(&conversion), seq);
                }
            }
        }
        reader.rewind();
        Ok(Self {
            pending: Mutex::new(pending),
            lane: Mutex::new(lane),
            clickhouse,
            erased,
            lookups: Semaphore::new(LOOKUPS_AT_A_TIME),
            away_until: Mutex::new(None),
            metrics,
            broken,
        })
    }

    /// Accepts conversions of one workspace, or finds that they were accepted before: a decision for each,
    /// in their order.
    pub(crate) async fn accept(self: &Arc<Self>, conversions: Vec<Conversion>) -> Vec<Decision> {
        let count = conversions.len();
        // On a task of its own: a sender that breaks off must not leave an event half accepted.
        let desk = Arc::clone(self);
        let accepting = tokio::spawn(async move { desk.decide(&conversions).await });
        accepting.await.unwrap_or_else(|error| {
            tracing::error!(%error, "accepting conversions");
            vec![Err(AcceptError::Full("internal error".into())); count]
        })
    }

    async fn decide(&self, conversions: &[Conversion]) -> Vec<Decision> {
        let mut batch = Batch {
            events: conversions.iter().map(Event::of).collect(),
            conversions,
            decided: vec![None; conversions.len()],
        };
        loop {
            let mut busy = None;
            let mut ours = Vec::new();
            for (place, event) in batch.events.iter().enumerate() {
                if batch.decided[place].is_some() {
                    continue;
                }
                match self.claim(event, &conversions[place]) {
                    Claimed::Ours(claims) => ours.push((place, claims)),
                    Claimed::Busy(over) => busy = busy.or(Some(over)),
                    Claimed::Decided(decision, seq) => batch.decided[place] = Some((decision, seq)),
                }
            }
            match (ours.is_empty(), busy) {
                (false, _) => {
                    let places: Vec<usize> = ours.iter().map(|(place, _)| *place).collect();
                    self.settle(&mut batch, &places).await;
                    // Given back only now, however this ends; what was journalled stays.
                    drop(ours);
                }
                // The channel only ever closes.
                (true, Some(mut over)) => drop(over.changed().await),
                (true, None) => break,
            }
        }
        // What was found may still be on its way to the disk, as what is new is; so is what we say of it.
        let last = batch.decided.iter().flatten().filter_map(|(_, seq)| *seq);
        let synced = match last.max() {
            Some(last) => self.durable(last).await,
            None => Ok(()),
        };
        let decided = batch.decided.into_iter().map(|decided| {
            let (decision, seq) = decided.expect("the loop ends when all are decided");
            match (&synced, seq) {
                (Err(error), Some(_)) => Err(error.clone()),
                _ => decision,
            }
        });
        decided.collect()
    }

    /// Claims an event, and for what takes a sale back also the turn to do so.
    fn claim(&self, event: &Event, conversion: &Conversion) -> Claimed<'_> {
        let mut pending = locked(&self.pending);
        let mut claims = Vec::with_capacity(2);
        let turn = event
            .sale
            .map(|_| EventKey::turn(&conversion.workspace, &conversion.reference));
        for key in [Some(event.key), turn].into_iter().flatten() {
            let known = pending.claim(key, &event.receipt, LARGEST_BACKLOG);
            let not_ours = match known {
                Known::Yours(hold) => {
                    claims.push(Claim {
                        pending: &self.pending,
                        key,
                        _hold: hold,
                    });
                    continue;
                }
                Known::Others(over) => Claimed::Busy(over),
                Known::Accepted(earlier, seq) => {
                    Claimed::Decided(again(&earlier, &event.receipt), Some(seq))
                }
                Known::TooMany => {
                    let error = AcceptError::Full("too many wait for ClickHouse".into());
                    Claimed::Decided(Err(error), None)
                }
            };
            // Before the claims, which are given back under the same lock.
            drop(pending);
            return not_ours;
        }
        Claimed::Ours(claims)
    }

    /// Decides on the conversions at these places, whose events are claimed.
    async fn settle(&self, batch: &mut Batch<'_>, places: &[usize]) {
        // Before the look-up: what arrives meanwhile is then known by one of both.
        let mut refunds: HashMap<EventKey, HashMap<EventKey, Receipt>> = HashMap::new();
        for &place in places {
            let Some(sale) = batch.events[place].sale else {
                continue;
            };
            let conversion = &batch.conversions[place];
            let erased = self.erased_sale(conversion);
            let erased = EventKey::new(&conversion.workspace, &erased);
            let pending = locked(&self.pending);
            let known = pending.refunds_of(sale).chain(pending.refunds_of(erased));
            refunds.insert(sale, known.collect());
        }
        let found = match self.look_up(batch, places).await {
            Ok(found) => found,
            Err(error) => {
                places.iter().for_each(|_| self.metrics.unverified());
                self.can_look_up(Err(error));
                Found::default()
            }
        };
        for (sale, known) in &mut refunds {
            known.extend(found.refunds.get(sale).into_iter().flatten().copied());
        }
        for &place in places {
            let (event, conversion) = (&batch.events[place], &batch.conversions[place]);
            let decided = match found.events.get(&event.key) {
                Some(earlier) if !event.receipt.outranks(earlier) => {
                    (again(earlier, &event.receipt), None)
                }
                _ => {
                    let fits = event.sale.map_or(Ok(()), |sale| {
                        let original = self.standing(sale, &found);
                        let earlier: Vec<Receipt> = refunds[&sale].values().copied().collect();
                        refund::check(&event.receipt, original.as_ref(), &earlier)
                    });
                    match fits
                        .map_err(AcceptError::Unfit)
                        .and_then(|()| match event.sale {
                            // It goes by the name that the sale has now, so that it takes that one back.
                            Some(sale) if found.erased.contains(&sale) => {
                                let reference = self.erased_sale(conversion);
                                let conversion = Conversion {
                                    reference,
                                    ..conversion.clone()
                                };
                                self.append(&Event::of(&conversion), &conversion)
                            }
                            _ => self.append(event, conversion),
                        }) {
                        Ok(seq) => (Ok(Accepted::New), Some(seq)),
                        Err(error) => (Err(error), None),
                    }
                }
            };
            batch.decided[place] = Some(decided);
        }
    }

    /// Asks ClickHouse for all that must be known of the conversions at these places.
    async fn look_up(&self, batch: &Batch<'_>, places: &[usize]) -> Result<Found, LookupError> {
        if locked(&self.away_until).is_some_and(|until| Instant::now() < until) {
            return Err(LookupError::Away);
        }
        let of = |place: &usize| &batch.conversions[*place];
        let sales: Vec<&str> = places
            .iter()
            .map(|place| of(place).reference.as_str())
            .filter(|sale| !sale.is_empty())
            .collect();
        let mut events: Vec<&str> = places
            .iter()
            .map(|place| of(place).event_id.as_str())
            .collect();
        events.extend(&sales);
        let workspace = &batch.conversions[0].workspace;
        let found = lookup::ask(
            &self.clickhouse,
            &self.lookups,
            workspace,
            &self.erased,
            &events,
            &sales,
        )
        .await?;
        self.can_look_up(Ok(()));
        Ok(found)
    }

    /// What the sale that a conversion takes back is called, should its customer have been erased.
    fn erased_sale(&self, conversion: &Conversion) -> String {
        let workspace = conversion.workspace.as_str();
        self.erased.name(workspace, &conversion.reference)
    }

    /// What stands for an event, in the journal or in ClickHouse.
    fn standing(&self, key: EventKey, found: &Found) -> Option<Receipt> {
        let waiting = locked(&self.pending).standing(key);
        let stored = found.events.get(&key).copied();
        match (stored, waiting) {
            (Some(stored), Some(waiting)) if waiting.outranks(&stored) => Some(waiting),
            (stored, waiting) => stored.or(waiting),
        }
    }

    /// Journals a conversion and marks its event in one step: the shipper, who takes the mark away, must
    /// find it.
    fn append(&self, event: &Event, conversion: &Conversion) -> Result<Seq, AcceptError> {
        let mut payload = Vec::with_capacity(256);
        wire::encode(conversion, &mut payload);
        let mut pending = locked(&self.pending);
        match locked(&self.lane).append(&payload) {
            Ok(seq) => {
                pending.journalled(event, seq);
                Ok(seq)
            }
            Err(AppendError::Poisoned { cause, .. }) => Err(self.broken(cause)),
            Err(error) => Err(AcceptError::Full(error.to_string())),
        }
    }

    async fn durable(&self, seq: Seq) -> Result<(), AcceptError> {
        let synced = locked(&self.lane).durable(seq);
        match synced.await {
            Ok(()) => Ok(()),
            Err(DurableError::Poisoned(cause)) => Err(self.broken(cause)),
            Err(error @ DurableError::Closed { .. }) => Err(AcceptError::Full(error.to_string())),
        }
    }

    /// Tells when ClickHouse goes and comes, once each: there may be thousands of conversions between.
    fn can_look_up(&self, result: Result<(), LookupError>) {
        let mut away_until = locked(&self.away_until);
        match result {
            // Nobody was asked.
            Err(LookupError::Away) => {}
            Err(error) => {
                // One that says no says so at once, and may be asked again at once.
                let alone = match error {
                    LookupError::Slow => LEFT_ALONE,
                    _ => Duration::ZERO,
                };
                if away_until.replace(Instant::now() + alone).is_none() {
                    tracing::warn!(%error, "conversions are accepted without knowing whether they are repeats");
                }
            }
            Ok(()) => {
                if away_until.take().is_some() {
                    tracing::info!("conversions are looked up again");
                }
            }
        }
    }

    fn broken(&self, cause: Poisoned) -> AcceptError {
        // Somebody else may have told already.
        let _ = self.broken.try_send(cause);
        AcceptError::Broken
    }

    /// Forgets events that ClickHouse has, each with its number in the journal.
    pub(super) fn arrived<'a>(&self, conversions: impl Iterator<Item = (Seq, &'a Conversion)>) {
        let mut pending = locked(&self.pending);
        for (seq, conversion) in conversions {
            pending.arrived(&Event::of(conversion), seq);
        }
    }
}

/// The answer to an event that was accepted before.
fn again(first: &Receipt, now: &Receipt) -> Decision {
    if first.body_digest == now.body_digest || first.was_erased() {
        Ok(Accepted::Again)
    } else {
        Err(AcceptError::Conflict(first.differences(now)))
    }
}

/// Conversions that are decided on together.
struct Batch<'c> {
    conversions: &'c [Conversion],
    events: Vec<Event>,
    /// What became of each, and the number in the journal that must be on the disk before it is said.
    decided: Vec<Option<(Decision, Option<Seq>)>>,
}

/// What came of claiming an event.
enum Claimed<'d> {
    /// It is ours, with all that must be ours for it.
    Ours(Vec<Claim<'d>>),
    /// Somebody is about to accept it, or takes the same sale back; ask again when this closes.
    Busy(watch::Receiver<()>),
    /// It is known what becomes of it, once this number is on the disk.
    Decided(Decision, Option<Seq>),
}

/// A claimed event, given back when dropped; the channel closes with it, which wakes who waits.
struct Claim<'a> {
    pending: &'a Mutex<Pending>,
    key: EventKey,
    _hold: watch::Sender<()>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        locked(self.pending).release(self.key);
    }
}

/// Every change under these locks is one step, so a thread that panicked left nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
