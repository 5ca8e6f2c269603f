//! The ledger of a lane: which blocks were sealed, and up to where they were acked.
//!
//! Entries of 64 bytes are appended to one half of its room in the file `lane`, each synced before it is
//! relied on. A full half is rewritten into the other: first the entries, then, once they are durable, the
//! head, twice, with the next generation; the half with the highest generation counts. An entry's checksum
//! starts from lane, generation and place, so entries of older generations do not check.
//!
//! ```text
//! word 0  u32 CRC32C | u32 kind       word 4  segment where it ends
//! word 1  first number                word 5  u32 offset of the start | u32 offset of the end
//! word 2  last number                 word 6  u32 count of records | u32 CRC32C of all frames
//! word 3  segment where it starts     word 7  time of the seal, Unix milliseconds
//! ```
//!
//! A head has the lane in word 1 and the generation in word 2; a cursor uses words 2, 4 and 5.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    LaneId, Seq,
    control::{Control, HALF_BYTES},
};

const ENTRY: usize = 64;
const SLOTS: usize = HALF_BYTES / ENTRY;
/// The head is written twice; one flipped bit must not bring an older generation back.
const HEADS: usize = 2;

/// Blocks that may be sealed and not acked. Half of the slots, so that a rewritten half has room to go on.
pub(super) const MAX_UNACKED: usize = SLOTS / 2;

const HEAD: u32 = 1;
const SEAL: u32 = 2;
const CURSOR: u32 = 3;

/// A place in the lane, between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Position {
    /// Index of the segment.
    pub(super) segment: u64,
    /// Offset in it.
    pub(super) offset: u32,
}

/// A block that was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal {
    /// The first number it covers.
    pub(super) first: Seq,
    /// The last number it covers.
    pub(super) last: Seq,
    /// Where its frames start.
    pub(super) start: Position,
    /// Where its last frame ends.
    pub(super) end: Position,
    /// Records in it.
    pub(super) count: u32,
    /// CRC32C of all its frames.
    pub(super) checksum: u32,
    /// Unix milliseconds.
    pub(super) sealed_at: u64,
}

/// Up to where blocks were acked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cursor {
    /// The last number acked; 0 before the first.
    pub(super) acked: Seq,
    /// Where the acked block ended.
    pub(super) position: Position,
}

type Entry = [u64; 8];

/// The open ledger.
pub(super) struct Ledger {
    control: Arc<Control>,
    lane: LaneId,
    half: usize,
    generation: u64,
    used: usize,
    cursor: Cursor,
    unacked: VecDeque<Seal>,
}

impl Ledger {
    /// The lane that a half of the ledger says it belongs to; the last witness if the identity is damaged.
    pub(super) fn witness(control: &Control) -> Option<LaneId> {
        (0..2)
            .find_map(|half| head(control, half))
            .map(|(lane, _)| lane)
    }

    /// Reads what is there. `None` if neither half can be read, which for an old lane means damage.
    pub(super) fn load(control: &Arc<Control>, lane: LaneId) -> Option<Self> {
        let heads = (0..2).filter_map(|half| Some((head(control, half)?, half)));
        let ((_, generation), half) = heads
            .filter(|((owner, _), _)| *owner == lane)
            .max_by_key(|((_, generation), _)| *generation)?;
        let mut ledger = Self::blank(control, lane);
        (ledger.half, ledger.generation) = (half, generation);
        let mut is_known = false;
        let mut damaged = 0;
        for slot in HEADS..SLOTS {
            let entry = get(control, half, slot);
            if !ledger.is_sound(slot, &entry) {
                continue;
            }
            damaged += slot - ledger.used;
            ledger.used = slot + 1;
            ledger.replay(&entry, is_known);
            is_known = true;
        }
        if damaged > 0 {
            tracing::error!(%lane, entries = damaged, "journal ledger has damaged entries");
        }
        Some(ledger)
    }

    /// Starts a ledger, or starts it over, from a cursor; durable on return.
    pub(super) fn start(control: &Arc<Control>, lane: LaneId, cursor: Cursor) -> io::Result<Self> {
        let mut ledger = Self::blank(control, lane);
        ledger.cursor = cursor;
        // Entries of a ledger whose heads are lost must not come to life again under the new head.
        ledger.generation = unix_millis();
        ledger.rewrite()?;
        Ok(ledger)
    }

    fn blank(control: &Arc<Control>, lane: LaneId) -> Self {
        Self {
            control: Arc::clone(control),
            lane,
            half: 1,
            generation: 0,
            used: HEADS,
            cursor: Cursor::default(),
            unacked: VecDeque::new(),
        }
    }

    /// Blocks that wait for their ack, oldest first.
    pub(super) fn unacked(&self) -> &VecDeque<Seal> {
        &self.unacked
    }

    /// Up to where blocks were acked.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The last number sealed, and where unsealed frames start.
    pub(super) fn end(&self) -> Cursor {
        self.unacked.back().map_or(self.cursor, |seal| Cursor {
            acked: seal.last,
            position: seal.end,
        })
    }

    /// Takes a block into the ledger; durable on return.
    pub(super) fn seal(&mut self, seal: Seal) -> io::Result<()> {
        self.append(seal_entry(&seal))?;
        self.unacked.push_back(seal);
        Ok(())
    }

    /// Moves the cursor over the oldest block; durable on return.
    pub(super) fn ack(&mut self) -> io::Result<()> {
        if let Some(seal) = self.unacked.front() {
            let cursor = Cursor {
                acked: seal.last,
                position: seal.end,
            };
            self.append(cursor_entry(&cursor))?;
            self.cursor = cursor;
            self.unacked.pop_front();
        }
        Ok(())
    }

    /// Drops seals whose segments are all gone, below `segment`, and returns how many: segments go only after
    /// an ack, so the entry of that ack was damaged, or an outsider removed the files.
    pub(super) fn forget_below(&mut self, segment: u64) -> usize {
        let before = self.unacked.len();
        while let Some(seal) = self
            .unacked
            .front()
            .filter(|seal| seal.end.segment < segment)
        {
            self.cursor = Cursor {
                acked: seal.last,
                position: seal.end,
            };
            self.unacked.pop_front();
        }
        before - self.unacked.len()
    }

    fn replay(&mut self, entry: &Entry, is_known: bool) {
        match (entry[0] >> 32) as u32 {
            SEAL => {
                let seal = read_seal(entry);
                let end = self.end();
                if seal.first > end.acked + 1 {
                    // The entry between was damaged. After the start of a half it was a seal, and its
                    // neighbours tell all that matters of it; at the start it was the cursor.
                    if is_known {
                        let (first, last) = (end.acked + 1, seal.first - 1);
                        let lost = Seal {
                            first,
                            last,
                            start: end.position,
                            end: seal.start,
                            count: 0,
                            ..seal
                        };
                        self.unacked.push_back(Seal {
                            checksum: 0,
                            ..lost
                        });
                    } else {
                        self.cursor = Cursor {
                            acked: seal.first - 1,
                            position: seal.start,
                        };
                    }
                }
                self.unacked.push_back(seal);
            }
            CURSOR => {
                let cursor = read_cursor(entry);
                self.unacked.retain(|seal| seal.last > cursor.acked);
                self.cursor = cursor;
            }
            kind => {
                tracing::error!(lane = %self.lane, kind, "journal ledger has an entry of unknown kind")
            }
        }
    }

    fn append(&mut self, entry: Entry) -> io::Result<()> {
        if self.used == SLOTS {
            self.rewrite()?;
        }
        self.put(self.used, entry);
        self.control
            .sync_ledger(self.half, self.used * ENTRY, ENTRY)?;
        self.used += 1;
        Ok(())
    }

    fn rewrite(&mut self) -> io::Result<()> {
        self.half = 1 - self.half;
        self.generation += 1;
        self.used = HEADS;
        let entries =
            std::iter::once(cursor_entry(&self.cursor)).chain(self.unacked.iter().map(seal_entry));
        for entry in entries.collect::<Vec<_>>() {
            self.put(self.used, entry);
            self.used += 1;
        }
        self.control
            .sync_ledger(self.half, HEADS * ENTRY, (self.used - HEADS) * ENTRY)?;
        let mut entry = [
            u64::from(HEAD) << 32,
            self.lane.get(),
            self.generation,
            0,
            0,
            0,
            0,
            0,
        ];
        entry[0] |= u64::from(checksum(0, &entry));
        (0..HEADS).for_each(|slot| set(&self.control, self.half, slot, entry));
        self.control.sync_ledger(self.half, 0, HEADS * ENTRY)
    }

    fn put(&self, slot: usize, mut entry: Entry) {
        entry[0] |= u64::from(self.checksum(slot, &entry));
        set(&self.control, self.half, slot, entry);
    }

    fn is_sound(&self, slot: usize, entry: &Entry) -> bool {
        // Most slots were never written.
        *entry != Entry::default() && entry[0] as u32 == self.checksum(slot, entry)
    }

    fn checksum(&self, slot: usize, entry: &Entry) -> u32 {
        let place = [self.lane.get(), self.generation, slot as u64, 0, 0, 0, 0, 0];
        checksum(checksum(0, &place), entry)
    }
}

/// The time, as seals keep it.
pub(super) fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

/// Of everything but the checksum itself.
fn checksum(start: u32, entry: &Entry) -> u32 {
    let words = std::iter::once(entry[0] >> 32).chain(entry[1..].iter().copied());
    words.fold(start, |crc, word| {
        crc32c::crc32c_append(crc, &word.to_le_bytes())
    })
}

fn get(control: &Control, half: usize, slot: usize) -> Entry {
    std::array::from_fn(|word| control.ledger_word(half, slot * ENTRY + word * 8).load())
}

fn set(control: &Control, half: usize, slot: usize, entry: Entry) {
    for (word, value) in entry.into_iter().enumerate() {
        control
            .ledger_word(half, slot * ENTRY + word * 8)
            .store(value);
    }
}

fn head(control: &Control, half: usize) -> Option<(LaneId, u64)> {
    let entries = (0..HEADS).map(|slot| get(control, half, slot));
    let mut sound = entries
        .filter(|entry| (entry[0] >> 32) as u32 == HEAD && entry[0] as u32 == checksum(0, entry));
    sound.next().map(|entry| (LaneId::new(entry[1]), entry[2]))
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn seal_entry(seal: &Seal) -> Entry {
    [
        pair(0, SEAL),
        seal.first,
        seal.last,
        seal.start.segment,
        seal.end.segment,
        pair(seal.start.offset, seal.end.offset),
        pair(seal.count, seal.checksum),
        seal.sealed_at,
    ]
}

fn read_seal(entry: &Entry) -> Seal {
    Seal {
        first: entry[1],
        last: entry[2],
        start: Position {
            segment: entry[3],
            offset: entry[5] as u32,
        },
        end: Position {
            segment: entry[4],
            offset: (entry[5] >> 32) as u32,
        },
        count: entry[6] as u32,
        checksum: (entry[6] >> 32) as u32,
        sealed_at: entry[7],
    }
}

fn cursor_entry(cursor: &Cursor) -> Entry {
    let Position { segment, offset } = cursor.position;
    [
        pair(0, CURSOR),
        0,
        cursor.acked,
        0,
        segment,
        pair(0, offset),
        0,
        0,
    ]
}

fn read_cursor(entry: &Entry) -> Cursor {
    let position = Position {
        segment: entry[4],
        offset: (entry[5] >> 32) as u32,
    };
    Cursor {
        acked: entry[2],
        position,
    }
}
