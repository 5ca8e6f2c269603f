//! Accepts conversions: each event once, and none answered before it stands in the journal.
//!
//! Whether an event is new is known from two places that together miss nothing: what is in the journal
//! and not yet in ClickHouse is held in memory (and read back from the journal at the start), the rest
//! is asked of ClickHouse. While ClickHouse is away, an event that it alone knows is accepted once more;
//! the table then keeps the first. A conversion is never turned away for that.
//!
//! A server's conversion is accepted over a browser's, as the table keeps it over a browser's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clickhouse::Client;
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};
use whence_core::conversion::Conversion;
use whence_core::journal::{
    AppendError, DurableError, LaneReader, LaneWriter, Poisoned, ReadError, Seq,
};
use whence_core::wire;

use super::lookup::{self, LookupError};
use super::pending::{EventKey, Known, Pending, Receipt};
use super::sink::decode;
use crate::metrics::Metrics;

/// How many events may wait for ClickHouse: about 100 MB of memory, and hours of a busy shop.
const LARGEST_BACKLOG: usize = 1_000_000;
/// Look-ups at a time: a burst of conversions leaves ClickHouse room for the rest.
const LOOKUPS_AT_A_TIME: usize = 2;
/// Blocks that are read at the start to learn what waits. Only their bounds matter: they are sealed
/// here and shipped as they are.
const BLOCK_BYTES: usize = 8 << 20;
const BLOCK_RECORDS: u32 = 50_000;

/// A conversion was not accepted.
#[derive(Debug, Error)]
pub(crate) enum AcceptError {
    /// The event was accepted before, and said something else.
    #[error("was accepted before with other facts")]
    Conflict,
    /// Nothing more fits until ClickHouse takes some.
    #[error("conversions cannot be stored now: {0}")]
    Full(String),
    /// The journal is out of order; the process ends.
    #[error("conversions cannot be stored: the journal is broken")]
    Broken,
}

/// An event's receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Accepted just now.
    New(Receipt),
    /// Accepted before, with the same facts.
    Again(Receipt),
}

/// Where all ways in meet.
#[derive(Debug)]
pub(crate) struct Desk {
    pending: Mutex<Pending>,
    lane: Mutex<LaneWriter>,
    clickhouse: Client,
    lookups: Semaphore,
    /// Whether the last look-up failed.
    is_away: AtomicBool,
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
                    let key = EventKey::new(&conversion.workspace, &conversion.event_id);
                    pending.found(key, Receipt::of(&conversion), seq);
                }
            }
        }
        reader.rewind();
        Ok(Self {
            pending: Mutex::new(pending),
            lane: Mutex::new(lane),
            clickhouse,
            lookups: Semaphore::new(LOOKUPS_AT_A_TIME),
            is_away: AtomicBool::new(false),
            metrics,
            broken,
        })
    }

    /// Accepts a conversion, or finds that it was accepted before.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        conversion: Conversion,
    ) -> Result<Accepted, AcceptError> {
        // On a task of its own: a sender that breaks off must not leave an event half accepted.
        let desk = Arc::clone(self);
        let accepting = tokio::spawn(async move { desk.decide(&conversion).await });
        accepting.await.unwrap_or_else(|error| {
            tracing::error!(%error, "accepting a conversion");
            Err(AcceptError::Full("internal error".into()))
        })
    }

    async fn decide(&self, conversion: &Conversion) -> Result<Accepted, AcceptError> {
        let key = EventKey::new(&conversion.workspace, &conversion.event_id);
        let receipt = Receipt::of(conversion);
        let hold = loop {
            let known = locked(&self.pending).claim(key, &receipt, LARGEST_BACKLOG);
            match known {
                Known::Yours(hold) => break hold,
                // The channel only ever closes.
                Known::Others(mut over) => drop(over.changed().await),
                Known::Accepted(earlier, seq) => {
                    // The first may still be on its way to the disk; so is what we say of it.
                    self.durable(seq).await?;
                    return again(earlier, conversion);
                }
                Known::TooMany => {
                    return Err(AcceptError::Full("too many wait for ClickHouse".into()));
                }
            }
        };
        // Given back however this ends; what was journalled stays.
        let _claim = Claim {
            pending: &self.pending,
            key,
            _hold: hold,
        };
        match lookup::receipt(
            &self.clickhouse,
            &self.lookups,
            &conversion.workspace,
            &conversion.event_id,
        )
        .await
        {
            Ok(Some(earlier)) if !receipt.outranks(&earlier) => {
                return again(earlier, conversion);
            }
            Ok(_) => self.can_look_up(Ok(())),
            Err(error) => {
                self.metrics.unverified();
                self.can_look_up(Err(error));
            }
        }
        let seq = self.append(key, conversion, receipt)?;
        self.durable(seq).await?;
        Ok(Accepted::New(receipt))
    }

    /// Journals a conversion and marks its event in one step: the shipper, who takes the mark away, must
    /// find it.
    fn append(
        &self,
        key: EventKey,
        conversion: &Conversion,
        receipt: Receipt,
    ) -> Result<Seq, AcceptError> {
        let mut payload = Vec::with_capacity(256);
        wire::encode(conversion, &mut payload);
        let mut pending = locked(&self.pending);
        match locked(&self.lane).append(&payload) {
            Ok(seq) => {
                pending.journalled(key, receipt, seq);
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
        let was_away = self.is_away.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(error) if !was_away => {
                tracing::warn!(%error, "conversions are accepted without knowing whether they are repeats");
            }
            Ok(()) if was_away => tracing::info!("conversions are looked up again"),
            Ok(()) | Err(_) => {}
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
            let key = EventKey::new(&conversion.workspace, &conversion.event_id);
            pending.arrived(key, seq);
        }
    }
}

/// The answer to an event that was accepted before.
fn again(first: Receipt, conversion: &Conversion) -> Result<Accepted, AcceptError> {
    if first.body_digest == conversion.body_digest {
        Ok(Accepted::Again(first))
    } else {
        Err(AcceptError::Conflict)
    }
}

/// A claimed event, given back when dropped; the channel closes with it, which wakes who waits.
struct Claim<'a> {
    pending: &'a Mutex<Pending>,
    key: EventKey,
    _hold: tokio::sync::watch::Sender<()>,
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
