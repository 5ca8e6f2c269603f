//! A lane on a model machine, and beside it the oracle: what was accepted, what was handed out, what is owed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    sync::Arc,
};

use super::{
    crash::{Crash, Dice, Plan},
    model::ModelFs,
};
use crate::journal::{
    AckError, AppendError, Block, LaneId, LaneOptions, LaneReader, LaneWriter, OpenError,
    ReadError, Seq,
    keeper::Keeper,
    lane::Lane,
    recovery::{self, Recovered},
};

pub(super) const DIR: &str = "/journal/lane";

/// Opens a lane without its thread.
pub(super) fn open(fs: &ModelFs, options: &LaneOptions) -> Result<Open, OpenError> {
    let recovered = recovery::open(Arc::new(fs.clone()), Path::new(DIR), options.clone())?;
    Ok(recovered.into())
}

/// All parts of an open lane.
pub(super) struct Open {
    pub(super) writer: LaneWriter,
    pub(super) reader: LaneReader,
    pub(super) keeper: Keeper,
    pub(super) lane: Arc<Lane>,
}

impl From<Recovered> for Open {
    fn from(Recovered { lane, pen, ledger }: Recovered) -> Self {
        Self {
            writer: LaneWriter::new(Arc::clone(&lane), pen, None),
            reader: LaneReader::new(Arc::clone(&lane), ledger, None),
            keeper: Keeper::new(Arc::clone(&lane)),
            lane,
        }
    }
}

impl Open {
    /// All records of all blocks from here on, each block acked when it was read.
    pub(super) fn drain(&mut self) -> Vec<(Seq, Vec<u8>)> {
        let mut records = Vec::new();
        while let Some(block) = self.reader.next_block(1 << 20, 1000).unwrap() {
            records.extend(
                block
                    .records()
                    .map(|(seq, payload)| (seq, payload.to_vec())),
            );
            self.reader.ack(block.id()).unwrap();
        }
        records
    }
}

/// A payload that tells its number and its attempt, so that a mix-up shows.
pub(super) fn payload(stamp: u64, bytes: usize) -> Vec<u8> {
    stamp
        .to_le_bytes()
        .into_iter()
        .chain((0..u16::MAX).map(|place| (stamp as u8).wrapping_mul(31) ^ place as u8))
        .take(bytes)
        .collect()
}

/// The lane and its oracle.
pub(super) struct Harness {
    pub(super) fs: ModelFs,
    options: LaneOptions,
    open: Option<Open>,
    id: Option<LaneId>,
    dice: Dice,
    stamp: u64,
    /// Accepted and not handed out in a block.
    accepted: BTreeMap<Seq, Vec<u8>>,
    /// All numbers below are durable.
    synced: Seq,
    /// Survivors of power loss, or not: accepted, and not durable when power went.
    doubtful: BTreeSet<Seq>,
    next: Seq,
    /// Handed out and not acked.
    handed: VecDeque<Block>,
    /// Of these, handed out since the last start or rewind.
    given: usize,
    /// The last number of the last block that was handed out.
    covered: Seq,
    /// The oldest block may be acked or not: a crash came while it was.
    is_ack_open: bool,
    is_poisoned: bool,
    /// Power loss leaves holes, which are told as damage.
    has_lost_power: bool,
}

impl Harness {
    pub(super) fn new(fs: ModelFs, options: LaneOptions, seed: u64) -> Self {
        Self {
            fs,
            options,
            open: None,
            id: None,
            dice: Dice(seed),
            stamp: 0,
            accepted: BTreeMap::new(),
            synced: 1,
            doubtful: BTreeSet::new(),
            next: 1,
            handed: VecDeque::new(),
            given: 0,
            covered: 0,
            is_ack_open: false,
            is_poisoned: false,
            has_lost_power: false,
        }
    }

    /// The same lane and oracle on a machine of its own, after a process crash.
    pub(super) fn fork(&self, seed: u64) -> Self {
        let mut fork = Self::new(
            self.fs.image().boot(Crash::Process, &mut Dice(0)),
            self.options.clone(),
            seed,
        );
        fork.id = self.id;
        fork.stamp = self.stamp;
        fork.accepted = self.accepted.clone();
        fork.doubtful = self.doubtful.clone();
        fork.handed = self.handed.clone();
        fork.covered = self.covered;
        fork.has_lost_power = self.has_lost_power;
        assert!(fork.start());
        assert_eq!(fork.next, self.next);
        fork
    }

    /// Opens the lane; false if the machine went down on the way.
    pub(super) fn start(&mut self) -> bool {
        let open = match open(&self.fs, &self.options) {
            Ok(open) => open,
            Err(_) if self.fs.is_down() => return false,
            Err(error) => panic!("the lane does not open: {error}"),
        };
        let id = open.writer.lane();
        // Before the first successful start, the lane may have been named more than once.
        assert_eq!(*self.id.get_or_insert(id), id, "the lane changed its id");
        assert_eq!(
            open.lane.synced(),
            open.writer.next_seq(),
            "not all of it is durable after a start"
        );
        self.next = open.writer.next_seq();
        self.synced = self.next;
        self.given = 0;
        self.is_poisoned = false;
        self.open = Some(open);
        true
    }

    fn open(&mut self) -> &mut Open {
        self.open.as_mut().expect("the lane is open")
    }

    /// After an operation: whether its result counts.
    fn is_up(&mut self) -> bool {
        if self.fs.is_down() {
            return false;
        }
        self.synced = self.open().lane.synced();
        true
    }

    pub(super) fn append(&mut self, bytes: usize) {
        self.stamp += 1;
        let payload = payload(self.stamp, bytes);
        let seq = self.next;
        let is_too_large = bytes > self.options.max_record_bytes;
        let is_poisoned = self.is_poisoned;
        let result = self.open().writer.append(&payload);
        if !self.is_up() {
            return;
        }
        match result {
            Ok(taken) => {
                assert!(!is_poisoned && !is_too_large);
                assert_eq!(taken, seq);
                self.accepted.insert(seq, payload);
            }
            Err(error) => {
                assert_eq!(error.seq(), seq, "a refused record takes its number");
                match error {
                    AppendError::Full { .. } => assert!(!is_poisoned && !is_too_large),
                    AppendError::TooLarge { .. } => assert!(!is_poisoned && is_too_large),
                    AppendError::Poisoned { .. } => assert!(is_poisoned || self.note_poison()),
                }
            }
        }
        self.next = seq + 1;
        assert_eq!(self.open().writer.next_seq(), seq + 1);
    }

    fn note_poison(&mut self) -> bool {
        self.is_poisoned = self.open().lane.is_poisoned();
        self.is_poisoned
    }

    pub(super) fn prepare(&mut self) {
        self.open().keeper.prepare();
        self.open().lane.write_behind();
        if self.is_up() {
            self.note_poison();
        }
    }

    pub(super) fn sync(&mut self) {
        let was_poisoned = self.is_poisoned;
        let result = self.open().lane.sync();
        if !self.is_up() {
            return;
        }
        match result {
            Ok(upto) => assert!(!was_poisoned && upto == self.next),
            Err(_) => assert!(self.note_poison()),
        }
    }

    /// Takes the next block and checks it. False if there was none.
    pub(super) fn block(&mut self, max_bytes: usize, max_records: u32) -> bool {
        let was_poisoned = self.is_poisoned;
        let result = self.open().reader.next_block(max_bytes, max_records);
        if !self.is_up() {
            return false;
        }
        let block = match result {
            Ok(block) => block,
            Err(ReadError::Poisoned(_)) => {
                assert!(self.note_poison());
                return false;
            }
            Err(error) => panic!("{error}"),
        };
        assert!(!was_poisoned, "a poisoned lane handed out a block");
        if !self.has_lost_power {
            assert_eq!(
                self.open().reader.lost().corrupt,
                0,
                "damage was told where there is none"
            );
        }
        if let Some(block) = &block {
            assert_eq!(
                Block::parse(block.wire().clone()).as_ref(),
                Ok(block),
                "the block does not parse"
            );
        }
        let is_same = self.handed.front().map(Block::id) == block.as_ref().map(Block::id);
        if std::mem::take(&mut self.is_ack_open) && !is_same {
            // The crash came after the ack.
            self.handed.pop_front();
        }
        match (self.handed.get(self.given), block) {
            (Some(before), Some(block)) => assert_eq!(*before, block, "the same block changed"),
            (Some(before), None) => panic!("{} was handed out before and is gone", before.id()),
            (None, Some(block)) => self.check_new(block),
            (None, None) => {
                let owed = self
                    .accepted
                    .keys()
                    .find(|seq| !self.doubtful.contains(seq));
                assert_eq!(owed, None, "a record was accepted and is not read back");
                return false;
            }
        }
        self.given += 1;
        true
    }

    fn check_new(&mut self, block: Block) {
        let id = block.id();
        assert_eq!(id.first, self.covered + 1, "blocks cover all numbers");
        let found: BTreeMap<Seq, Vec<u8>> = block
            .records()
            .map(|(seq, it)| (seq, it.to_vec()))
            .collect();
        assert_eq!(found.len() as u32, block.count());
        assert_eq!(found.keys().next_back(), Some(&id.last));
        for seq in id.first..=id.last {
            let accepted = self.accepted.remove(&seq);
            let is_doubtful = self.doubtful.remove(&seq);
            match found.get(&seq) {
                Some(payload) => assert_eq!(
                    Some(payload),
                    accepted.as_ref(),
                    "record {seq} was invented"
                ),
                None => assert!(accepted.is_none() || is_doubtful, "record {seq} is lost"),
            }
        }
        self.covered = id.last;
        self.handed.push_back(block);
    }

    /// Takes all blocks again that were handed out before.
    pub(super) fn catch_up(&mut self) {
        while self.given < self.handed.len() && self.block(1 << 20, 1000) {}
    }

    pub(super) fn ack(&mut self) {
        if self.given == 0 {
            return;
        }
        let id = self.handed[0].id();
        let result = self.open().reader.ack(id);
        if !self.is_up() {
            self.is_ack_open = true;
            return;
        }
        match result {
            Ok(()) => {
                self.handed.pop_front();
                self.given -= 1;
            }
            Err(AckError::Poisoned(_)) => {
                // The sync of the cursor failed, or that of the directory after it, or the lane was dead before.
                self.is_ack_open |= !self.is_poisoned;
                assert!(self.note_poison());
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn rewind(&mut self) {
        self.open().reader.rewind();
        self.given = 0;
    }

    /// Closes and opens again, as a restart in good order.
    pub(super) fn reopen(&mut self) {
        if self.is_poisoned {
            return self.crash(Crash::Process, &[]);
        }
        let _ = self.open().lane.sync();
        self.open = None;
        self.fs.fail_sync_after(None);
        let (next, is_down) = (self.next, self.fs.is_down());
        if !is_down && self.start() {
            assert_eq!(self.next, next);
        }
    }

    /// Crashes, now or where the machine already went down, and starts again; at each of the steps given,
    /// the start itself crashes.
    pub(super) fn crash(&mut self, crash: Crash, again: &[Plan]) {
        let mut image = self.fs.image();
        self.open = None;
        let (next, synced) = (self.next, self.synced);
        self.has_lost_power |= crash == Crash::Power;
        if crash == Crash::Power {
            let unsynced = self.accepted.keys().filter(|seq| **seq >= synced);
            self.doubtful.extend(unsynced);
        }
        for &plan in again {
            self.fs = image.boot(crash, &mut self.dice);
            self.fs.plan(Some(plan));
            if self.start() {
                self.open = None;
            }
            image = self.fs.image();
        }
        self.fs = image.boot(crash, &mut self.dice);
        assert!(self.start(), "the last start is not disturbed");
        if crash == Crash::Process {
            assert_eq!(self.next, next, "numbers survive a process crash");
        } else {
            assert!(
                self.next >= synced && self.next > self.covered,
                "a number is used again"
            );
        }
        let (next, doubtful) = (self.next, &mut self.doubtful);
        self.accepted.retain(|&seq, _| {
            assert!(
                seq < next || doubtful.contains(&seq),
                "record {seq} was durable and is lost"
            );
            seq < next
        });
        doubtful.retain(|&seq| seq < next);
    }

    /// Reads everything back, as a last check.
    pub(super) fn finish(&mut self) {
        self.fs.plan(None);
        self.fs.fail_sync_after(None);
        if self.fs.is_down() || self.note_poison() {
            self.crash(Crash::Process, &[]);
        }
        while self.block(1 << 20, 1000) {
            if self.given > 3 {
                self.ack();
            }
        }
        while self.given > 0 {
            self.ack();
        }
        assert!(
            self.open()
                .reader
                .next_block(1 << 20, 1000)
                .unwrap()
                .is_none()
        );
        assert!(self.handed.is_empty());
    }
}
