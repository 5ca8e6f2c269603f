//! The writing end of a lane.

use std::{
    cell::Cell,
    future::Future,
    marker::PhantomData,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use super::{
    Durability, LaneId, Seq,
    error::{AppendError, DurableError, Poisoned},
    frame,
    keeper::KeeperThread,
    lane::Lane,
    segment::Pen,
};

/// Appends to a lane. It belongs to one thread at a time.
///
/// When both ends of a lane are dropped, the lane is synced and closed; this waits for the disk.
pub struct LaneWriter {
    lane: Arc<Lane>,
    /// None while there has been no room for a first segment.
    pen: Option<Pen>,
    next: Seq,
    /// The thread lives as long as one of the two ends; none where a test ticks by hand.
    _keeper: Option<Arc<KeeperThread>>,
    /// One thread writes: the type can be sent and not shared.
    _not_shared: PhantomData<Cell<()>>,
}

impl LaneWriter {
    pub(super) fn new(
        lane: Arc<Lane>,
        pen: Option<Pen>,
        keeper: Option<Arc<KeeperThread>>,
    ) -> Self {
        let next = lane.control.next_seq();
        Self {
            lane,
            pen,
            next,
            _keeper: keeper,
            _not_shared: PhantomData,
        }
    }

    /// The lane; `(lane, seq)` is unique for ever.
    pub fn lane(&self) -> LaneId {
        self.lane.id
    }

    /// The number that the next append will take.
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// Stores a record and returns its number. The record survives the death of the process from here on.
    ///
    /// On the common path there is no system call, no lock and no allocation. When the record is refused it
    /// takes a number all the same.
    #[inline]
    pub fn append(&mut self, payload: &[u8]) -> Result<Seq, AppendError> {
        let seq = self.next;
        let is_sound =
            !self.lane.is_poisoned() && payload.len() <= self.lane.options.max_record_bytes;
        if is_sound
            && let Some(pen) = &mut self.pen
            && frame::size(payload.len()) <= pen.room()
        {
            pen.write(self.lane.seed, seq, payload);
            self.take_number();
            return Ok(seq);
        }
        self.append_slowly(payload)
    }

    /// Resolves when a sync has covered `seq`: at once with `Durability::Process`, after the next group sync
    /// with `Durability::Power`. The future does not borrow the writer.
    pub fn durable(
        &self,
        seq: Seq,
    ) -> impl Future<Output = Result<(), DurableError>> + Send + 'static {
        let news = (self.lane.options.durability == Durability::Power)
            .then(|| self.lane.durable(seq, self.next));
        async move {
            match news {
                Some(news) => news.await,
                None => Ok(()),
            }
        }
    }

    /// Why the lane is out of order, if it is: the process must end.
    pub fn poisoned(&self) -> Option<Poisoned> {
        self.lane.alive().err()
    }

    #[cold]
    #[inline(never)]
    fn append_slowly(&mut self, payload: &[u8]) -> Result<Seq, AppendError> {
        let (seq, bytes) = (self.next, payload.len());
        let lane = Arc::clone(&self.lane);
        let (seed, limit) = (lane.seed, lane.options.max_record_bytes);
        let (count, error) = if let Err(cause) = lane.alive() {
            (&lane.counts.poisoned, AppendError::Poisoned { seq, cause })
        } else if bytes > limit {
            (
                &lane.counts.too_large,
                AppendError::TooLarge { seq, bytes, limit },
            )
        } else if let Some(pen) = self.pen_with_room(frame::size(bytes)) {
            pen.write(seed, seq, payload);
            self.take_number();
            return Ok(seq);
        } else {
            (&lane.counts.full, AppendError::Full { seq })
        };
        self.take_number();
        count.fetch_add(1, Relaxed);
        Err(error)
    }

    fn pen_with_room(&mut self, bytes: usize) -> Option<&mut Pen> {
        // Once is enough, unless a spare was made when segments were configured smaller.
        while self.pen.as_mut().is_none_or(|pen| pen.room() < bytes) {
            self.pen = Some(self.roll_over()?);
        }
        self.pen.as_mut()
    }

    /// Goes to the next segment: normally the one prepared ahead; if the keeper was not quick enough, one
    /// made here and now.
    fn roll_over(&self) -> Option<Pen> {
        if let Some(pen) = self.lane.take_spare() {
            return Some(pen);
        }
        if self.lane.is_full() {
            return None;
        }
        self.lane.counts.slow_rollovers.fetch_add(1, Relaxed);
        match self.lane.prepare() {
            Ok(true) => self.lane.take_spare(),
            // No room, or an error that was logged where it arose.
            Ok(false) | Err(_) => None,
        }
    }

    #[inline]
    fn take_number(&mut self) {
        self.next += 1;
        self.lane.control.set_next_seq(self.next);
    }
}

impl std::fmt::Debug for LaneWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaneWriter")
            .field("lane", &self.lane.id)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
