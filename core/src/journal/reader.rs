//! The reading end of a lane: seals blocks, hands them out, takes their acks.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{
    BlockId, LaneId, MAX_BLOCK_BYTES, Seq,
    block::{Block, Builder},
    control,
    error::{AckError, Poisoned, ReadError},
    frame,
    keeper::KeeperThread,
    lane::Lane,
    ledger::{Ledger, MAX_UNACKED, Position, Seal, unix_millis},
    segment,
    walk::{Found, Walk},
};

/// Reads a lane. Every call may wait for the disk: it belongs on a thread that may.
pub struct LaneReader {
    lane: Arc<Lane>,
    ledger: Ledger,
    /// Of the blocks that wait for their ack, so many were handed out since the start or the last rewind.
    handed: usize,
    /// Numbers whose records were found damaged and nobody has asked for yet.
    damaged: Vec<(Seq, Seq)>,
    /// The thread lives as long as one of the two ends; none where a test ticks by hand.
    _keeper: Option<Arc<KeeperThread>>,
}

/// What a lane holds that was not acked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Numbers taken and not acked; refused records among them are counted too.
    pub records: u64,
    /// Bytes of segments in use for them.
    pub bytes: u64,
    /// How long ago the oldest block that waits for its ack was sealed; none if no block waits.
    pub oldest_sealed: Option<Duration>,
}

/// What a lane lost since it was opened. All of it shows as missing numbers, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// Refused because there was no room.
    pub full: u64,
    /// Refused because one record was too large.
    pub too_large: u64,
    /// Refused because the lane was out of order.
    pub poisoned: u64,
    /// Stored, and damaged on disk; at most so many.
    pub corrupt: u64,
}

impl LaneReader {
    pub(super) fn new(lane: Arc<Lane>, ledger: Ledger, keeper: Option<Arc<KeeperThread>>) -> Self {
        Self {
            lane,
            ledger,
            handed: 0,
            damaged: Vec::new(),
            _keeper: keeper,
        }
    }

    /// The lane.
    pub fn lane(&self) -> LaneId {
        self.lane.id
    }

    /// The directory of the lane.
    pub fn dir(&self) -> &Path {
        &self.lane.dir
    }

    /// The most bytes that segments of the lane take on disk.
    pub fn max_bytes(&self) -> u64 {
        self.lane.options.max_bytes
    }

    /// The highest number that was given out; 0 where none was.
    pub fn taken(&self) -> Seq {
        self.lane.control.next_seq() - 1
    }

    /// All numbers up to it were acked.
    pub fn freed(&self) -> Seq {
        self.ledger.cursor().acked
    }

    /// Ranges of numbers, by first and last, whose records were found damaged since the last call; refused
    /// ones may be among them.
    pub fn take_damaged(&mut self) -> Vec<(Seq, Seq)> {
        std::mem::take(&mut self.damaged)
    }

    /// Hands out the next block: first those that were sealed before and not acked, byte for byte as they
    /// were, then new ones. A new block is synced and its seal durable before it is returned, so that after
    /// any crash it is handed out again under the same id.
    ///
    /// A new block has at most `max_records` records and `max_bytes` bytes with its header, but always at
    /// least one record. None if nothing was appended.
    pub fn next_block(
        &mut self,
        max_bytes: usize,
        max_records: u32,
    ) -> Result<Option<Block>, ReadError> {
        self.lane.alive()?;
        if let Some(&seal) = self.ledger.unacked().get(self.handed) {
            self.handed += 1;
            let (block, is_damaged) = self.read_again(&seal);
            if is_damaged {
                self.damaged.extend(block.missing());
            }
            return Ok(Some(block));
        }
        if self.handed >= MAX_UNACKED {
            return Err(ReadError::TooManyUnacked { limit: MAX_UNACKED });
        }
        let Some((seal, block)) = self.gather(max_bytes.min(MAX_BLOCK_BYTES), max_records) else {
            return Ok(None);
        };
        if self.lane.synced() <= seal.last {
            self.lane.sync()?;
        }
        let sealed = self.ledger.seal(seal);
        sealed.map_err(|error| {
            self.lane
                .poison("seal a block in", control::path(&self.lane.dir), error)
        })?;
        self.handed += 1;
        Ok(Some(block))
    }

    /// Frees the oldest block for good. The cursor is durable before a segment is removed.
    pub fn ack(&mut self, id: BlockId) -> Result<(), AckError> {
        self.lane.alive()?;
        let oldest = self.ledger.unacked().front().map(|seal| self.id(seal));
        if oldest != Some(id) {
            return Err(AckError::NotOldest { id });
        }
        let acked = self.ledger.ack();
        acked.map_err(|error| {
            self.lane
                .poison("ack a block in", control::path(&self.lane.dir), error)
        })?;
        self.handed = self.handed.saturating_sub(1);
        self.lane.free(self.ledger.cursor().position)
    }

    /// Starts over with the oldest block that is not acked, for a shipper that let go of its blocks.
    pub fn rewind(&mut self) {
        self.handed = 0;
    }

    /// What waits to be acked.
    pub fn backlog(&self) -> Backlog {
        let cursor = self.ledger.cursor();
        let segments = self.lane.live_from(cursor.position.segment);
        let bytes = segments
            .iter()
            .map(|segment| segment.tail() - start(segment.index(), cursor.position));
        let oldest = self.ledger.unacked().front();
        Backlog {
            records: self.lane.control.next_seq() - 1 - cursor.acked,
            bytes: bytes.map(|bytes| bytes as u64).sum(),
            oldest_sealed: oldest
                .map(|seal| Duration::from_millis(unix_millis().saturating_sub(seal.sealed_at))),
        }
    }

    /// What was lost since the lane was opened.
    pub fn lost(&self) -> Lost {
        let counts = &self.lane.counts;
        Lost {
            full: counts.full.load(Relaxed),
            too_large: counts.too_large.load(Relaxed),
            poisoned: counts.poisoned.load(Relaxed),
            corrupt: counts.corrupt.load(Relaxed),
        }
    }

    /// How often an append had to make its next segment itself, since the lane was opened.
    pub fn slow_rollovers(&self) -> u64 {
        self.lane.counts.slow_rollovers.load(Relaxed)
    }

    /// Why the lane is out of order, if it is: the process must end.
    pub fn poisoned(&self) -> Option<Poisoned> {
        self.lane.alive().err()
    }

    fn id(&self, seal: &Seal) -> BlockId {
        BlockId {
            lane: self.lane.id,
            first: seal.first,
            last: seal.last,
        }
    }

    /// Collects the next unsealed records.
    fn gather(&mut self, max_bytes: usize, max_records: u32) -> Option<(Seal, Block)> {
        // Whoever sees this number sees all frames below it; later ones wait for the next block.
        let upto = self.lane.control.next_seq();
        let from = self.ledger.end();
        let first = from.acked + 1;
        let mut builder = Builder::new();
        let (mut last, mut end) = (from.acked, from.position);
        let mut is_damaged = false;
        'full: for segment in self.lane.live_from(from.position.segment) {
            let at = start(segment.index(), from.position);
            let mut walk = Walk::new(segment.published(), at, self.lane.seed, last + 1);
            for found in walk.by_ref() {
                let bytes = builder.bytes() + found.frame.bytes.len();
                let is_full =
                    builder.count() > 0 && (bytes > max_bytes || builder.count() >= max_records);
                if is_full || found.frame.seq >= upto {
                    break 'full;
                }
                if is_damaged || found.is_damaged {
                    self.report(last + 1..found.frame.seq, segment.index(), &found);
                }
                is_damaged = false;
                builder.push(&found.frame);
                last = found.frame.seq;
                end = Position {
                    segment: segment.index(),
                    offset: found.end as u32,
                };
            }
            // Bytes behind the last frame that checks: what they were shows when a later one is found.
            is_damaged |= walk.rest().iter().any(|&byte| byte != 0);
        }
        let (count, checksum) = (builder.count(), builder.checksum());
        let seal = Seal {
            first,
            last,
            start: from.position,
            end,
            count,
            checksum,
            sealed_at: unix_millis(),
        };
        (count > 0).then(|| (seal, builder.finish(self.id(&seal))))
    }

    /// Reads a sealed block again. What was damaged since is left out and reported, and whether there
    /// was any is told; the id stays.
    fn read_again(&self, seal: &Seal) -> (Block, bool) {
        let mut builder = Builder::new();
        let mut last = seal.first - 1;
        for segment in self.lane.live_from(seal.start.segment) {
            if segment.index() > seal.end.segment {
                break;
            }
            let bytes = segment.published();
            let is_last = segment.index() == seal.end.segment;
            let bytes = if is_last {
                &bytes[..bytes.len().min(seal.end.offset as usize)]
            } else {
                bytes
            };
            let walk = Walk::new(
                bytes,
                start(segment.index(), seal.start),
                self.lane.seed,
                last + 1,
            );
            for found in walk.take_while(|found| found.frame.seq <= seal.last) {
                builder.push(&found.frame);
                last = found.frame.seq;
            }
        }
        let is_damaged = builder.checksum() != seal.checksum && seal.count > 0;
        if is_damaged {
            let lost = seal.count.saturating_sub(builder.count());
            self.lane.counts.corrupt.fetch_add(u64::from(lost), Relaxed);
            let block = self.id(seal);
            tracing::error!(%block, lost, kept = builder.count(), "a sealed journal block is damaged");
        }
        (builder.finish(self.id(seal)), is_damaged)
    }

    fn report(&mut self, missing: std::ops::Range<Seq>, segment: u64, found: &Found<'_>) {
        let records = missing.end - missing.start;
        self.lane.counts.corrupt.fetch_add(records, Relaxed);
        if records > 0 {
            self.damaged.push((missing.start, missing.end - 1));
        }
        tracing::error!(
            lane = %self.lane.id,
            segment,
            bytes = ?found.skipped,
            first = missing.start,
            records,
            "journal records are damaged and were skipped"
        );
    }
}

/// Where to start reading a segment.
fn start(segment: u64, from: Position) -> usize {
    let offset = if segment == from.segment {
        from.offset as usize
    } else {
        0
    };
    offset.max(segment::HEADER).next_multiple_of(frame::ALIGN)
}

impl std::fmt::Debug for LaneReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaneReader")
            .field("lane", &self.lane.id)
            .field("unacked", &self.ledger.unacked().len())
            .field("handed", &self.handed)
            .finish_non_exhaustive()
    }
}
