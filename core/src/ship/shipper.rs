//! The loop of one lane: seal, deliver, free. Between blocks, what was set aside and is to be sent again.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::ages::Ages;
use super::aside::{Entry, Note};
use super::books::Books;
use super::metrics::LaneFigures;
use super::refusals::Refusals;
use super::reports::{Reports, locked};
use super::shelf::Shelf;
use super::{DeliverError, ShipError, Shipping, Sink};
use crate::account::{Gap, GapReason, LaneAccount};
use crate::click::bounded;
use crate::journal::{AckError, Block, BlockId, LaneReader, ReadError, Seq};

/// The part of a lane's cap that blocks set aside may take beside it. What does not fit holds up the lane:
/// somebody has to look, and nothing is dropped.
const ASIDE_SHARE: u64 = 4;
/// What an account says of a reason: the note beside the block has all of it.
const LONGEST_DETAIL: usize = 300;

/// Ships one lane.
pub(super) struct Shipper<S> {
    /// None only while it is away on a thread that may wait for the disk.
    reader: Option<LaneReader>,
    shipping: Shipping<S>,
    figures: LaneFigures,
    books: Arc<Mutex<Books>>,
    shelf: Shelf,
    ages: Ages,
    /// Every number up to it that has a record was freed.
    settled: Seq,
    /// Damage that lies in blocks not yet handed out.
    damaged: Vec<(Seq, Seq)>,
    lane: String,
    name: String,
}

impl<S: Sink> Shipper<S> {
    /// A shipper of the lane, which knows what was set aside before.
    pub(super) async fn open(reader: LaneReader, shipping: Shipping<S>) -> Self {
        let room = reader.max_bytes() / ASIDE_SHARE;
        let (shelf, entries) = Shelf::open(reader.dir(), room).await;
        let mut books = Books::default();
        for Entry { id, note, .. } in entries {
            books.add(set_aside(
                id,
                &note.map_or_else(String::new, |note| note.reason),
            ));
        }
        let mut ages = Ages::default();
        if reader.taken() > reader.freed() {
            let now = Instant::now();
            let waited = reader.backlog().oldest_sealed.unwrap_or_default();
            ages.note(reader.taken(), now.checked_sub(waited).unwrap_or(now));
        }
        let name = reader.dir().file_name().unwrap_or_default();
        let mut shipper = Self {
            figures: shipping.metrics.lane(),
            lane: reader.lane().to_string(),
            name: name.to_string_lossy().into_owned(),
            reader: Some(reader),
            shipping,
            books: Arc::new(Mutex::new(books)),
            shelf,
            ages,
            settled: 0,
            damaged: Vec::new(),
        };
        shipper.figures.aside(shipper.shelf.count());
        shipper.observe();
        shipper
    }

    /// Sends what the lane has to say.
    pub(super) fn reports(&self) -> Reports<S> {
        let system = rustix::system::uname();
        Reports {
            sink: Arc::clone(&self.shipping.sink),
            books: Arc::clone(&self.books),
            blank: LaneAccount {
                lane: self.lane.clone(),
                service: self.shipping.service.to_owned(),
                node: system.nodename().to_string_lossy().into_owned(),
                name: self.name.clone(),
                taken: 0,
                freed: 0,
                gaps: Vec::new(),
            },
            every: self.shipping.settings.report,
        }
    }

    /// Ships until `stop`, then for at most `drain`.
    pub(super) async fn ship(
        &mut self,
        stop: &CancellationToken,
        drain: Duration,
    ) -> Result<(), ShipError> {
        let mut expired = pin!(async {
            stop.cancelled().await;
            sleep(drain).await;
        });
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = sleep(self.shipping.settings.gather) => false,
            };
            while let Some(block) = self.next_block().await? {
                if !self.deliver(&block, stop, expired.as_mut()).await {
                    return Ok(());
                }
                self.ack(block.id()).await?;
                self.send_again(stop).await;
            }
            if stopping {
                return Ok(());
            }
            self.send_again(stop).await;
        }
    }

    async fn next_block(&mut self) -> Result<Option<Block>, ReadError> {
        let taken = self.reader().taken();
        let settings = &self.shipping.settings;
        let (bytes, records) = (settings.block_bytes, settings.block_records);
        let block = self.on_disk(move |reader| reader.next_block(bytes, records));
        let block = block.await?;
        let found = self.reader_mut().take_damaged();
        self.damaged.extend(found);
        match &block {
            Some(block) => {
                let last = block.id().last;
                locked(&self.books).add_missing(block, &self.damaged);
                self.damaged.retain(|&(_, end)| end > last);
            }
            None => self.settled = taken,
        }
        self.observe();
        Ok(block)
    }

    async fn ack(&mut self, id: BlockId) -> Result<(), AckError> {
        let acked = self.on_disk(move |reader| reader.ack(id)).await;
        self.observe();
        match acked {
            // The block is done; its file goes with the next.
            Err(error @ AckError::Remove { .. }) => {
                tracing::warn!(%error, "journal");
                Ok(())
            }
            acked => acked,
        }
    }

    /// Delivers until the block has arrived or is set aside; false when `expired` resolves first.
    async fn deliver(
        &mut self,
        block: &Block,
        stop: &CancellationToken,
        mut expired: Pin<&mut impl Future<Output = ()>>,
    ) -> bool {
        if block.is_empty() {
            return true;
        }
        let settings = self.shipping.settings.clone();
        let mut refusals = Refusals::default();
        let mut pause = settings.first_pause;
        loop {
            let sink = Arc::clone(&self.shipping.sink);
            let result = tokio::select! {
                result = self.watching(sink.deliver(block)) => result,
                () = &mut expired => return false,
            };
            let Err(error) = result else {
                self.arrived(block);
                // It may have been set aside just before a crash.
                self.shelf.forget(block.id()).await;
                self.figures.aside(self.shelf.count());
                return true;
            };
            self.shipping.metrics.failures.inc();
            match &error {
                DeliverError::Retry(_) => {
                    tracing::warn!(block = %block.id(), %error, "block not delivered yet");
                }
                DeliverError::Refused(_) | DeliverError::Disputed(_) => {
                    tracing::error!(block = %block.id(), %error, "block not delivered");
                    pause = settings.longest_pause;
                }
            }
            if refusals.are_enough(&error, &settings, Instant::now())
                && self.set_aside(block, error.reason()).await
            {
                return true;
            }
            let was_stopped = stop.is_cancelled();
            tokio::select! {
                () = self.watching(sleep(pause)) => {}
                // A drain begins with a try, however long the pause was to be.
                () = stop.cancelled(), if !was_stopped => {}
                () = &mut expired => return false,
            }
            pause = (pause * 2).min(settings.longest_pause);
        }
    }

    /// Sets a block aside; false if that cannot be done now.
    async fn set_aside(&mut self, block: &Block, reason: &str) -> bool {
        let (service, records) = (self.shipping.service, self.shipping.records);
        let note = Note::of(block, service, records, reason);
        if !self.shelf.put(block, note).await {
            return false;
        }
        tracing::error!(
            block = %block.id(),
            records = block.count(),
            reason,
            "a block was refused for good and is set aside; `whence journal` shows it and sends it again"
        );
        self.shipping.metrics.set_aside.inc();
        self.figures.aside(self.shelf.count());
        locked(&self.books).add(set_aside(block.id(), reason));
        true
    }

    /// Sends what somebody wants sent again, each block once.
    async fn send_again(&mut self, stop: &CancellationToken) {
        let settings = self.shipping.settings.clone();
        if stop.is_cancelled() || !self.shelf.is_due(settings.look) {
            return;
        }
        self.shelf.look().await;
        for id in self.shelf.requested() {
            let block = match self.shelf.read(id).await {
                Ok(block) => block,
                Err(error) => {
                    tracing::error!(block = %id, %error, "a block cannot be sent again");
                    self.shelf.refused_again(id, error.to_string()).await;
                    continue;
                }
            };
            let sink = Arc::clone(&self.shipping.sink);
            let result = tokio::select! {
                result = self.watching(sink.deliver(&block)) => result,
                () = stop.cancelled() => return,
            };
            match result {
                Ok(()) => {
                    tracing::info!(block = %id, "a block that was set aside has arrived");
                    self.arrived(&block);
                    self.shipping.metrics.resent.inc();
                    self.shelf.forget(id).await;
                }
                Err(error @ DeliverError::Retry(_)) => {
                    tracing::warn!(block = %id, %error, "a block set aside is not delivered yet");
                    self.shipping.metrics.failures.inc();
                    self.shelf.rest(settings.longest_pause);
                    break;
                }
                Err(error) => {
                    tracing::error!(block = %id, %error, "a block stays set aside");
                    self.shipping.metrics.failures.inc();
                    let reason = error.reason().to_owned();
                    self.shelf.refused_again(id, reason).await;
                }
            }
        }
        self.figures.aside(self.shelf.count());
    }

    fn arrived(&self, block: &Block) {
        self.shipping.metrics.blocks.inc();
        let records = u64::from(block.count());
        self.shipping.metrics.records.inc_by(records);
    }

    /// Waits while the figures move.
    async fn watching<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let mut waiting = pin!(waiting);
        loop {
            let observe = self.shipping.settings.observe;
            tokio::select! {
                result = &mut waiting => return result,
                () = sleep(observe) => self.observe(),
            }
        }
    }

    /// Takes note of where the lane is, for figures and accounts.
    fn observe(&mut self) {
        let reader = self.reader();
        let (taken, freed) = (reader.taken(), reader.freed());
        let (backlog, lost) = (reader.backlog(), reader.lost());
        let now = Instant::now();
        self.ages.note(taken, now);
        // Behind the last record there may be refused numbers, for which nothing waits.
        let done = freed.max(self.settled);
        let oldest = self.ages.oldest(done, taken, now);
        self.figures.observe(backlog, oldest, lost);
        let mut books = locked(&self.books);
        (books.taken, books.freed) = (taken, freed);
    }
    fn reader(&self) -> &LaneReader {
        self.reader.as_ref().expect(READER)
    }

    fn reader_mut(&mut self) -> &mut LaneReader {
        self.reader.as_mut().expect(READER)
    }

    /// Sealing and acking sync to disk, which must not hold up a runtime's thread.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut LaneReader) -> T + Send + 'static,
    ) -> T {
        let mut reader = self.reader.take().expect(READER);
        let (reader, result) = tokio::task::spawn_blocking(move || {
            let result = act(&mut reader);
            (reader, result)
        })
        .await
        .expect("the journal does not panic");
        self.reader = Some(reader);
        result
    }
}

/// Why there is always a reader where one is asked for.
const READER: &str = "the reader is back before the next step";

/// That the numbers of a block did not arrive because it is set aside.
fn set_aside(id: BlockId, reason: &str) -> Gap {
    Gap {
        first: id.first,
        last: id.last,
        reason: GapReason::SetAside,
        detail: bounded(reason.as_bytes(), LONGEST_DETAIL).into_owned(),
    }
}
