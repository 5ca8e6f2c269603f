//! A sealed block: consecutive records of one lane under one id, in the form in which they travel.
//!
//! ```text
//!  0  u32  magic "WBLK"        16  u64  first number of the block
//!  4  u16  version             24  u64  last number of the block
//!  6  u16  zero                32  u32  count of frames
//!  8  u64  lane                36  u32  bytes of frames
//!                              40  u32  CRC32C of bytes 0..40
//!                              44  u32  zero
//! 48       frames, as they stand in the journal
//! ```
//!
//! A block covers every number from first to last: one for which there is no frame was refused when it was
//! appended, or damaged on disk. What the payloads mean is not known here.

use std::{fmt, str::FromStr};

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use super::{
    LaneId, Seq,
    frame::{self, Fault, Frame, Seed},
};

/// "WBLK", read as a little-endian number.
const MAGIC: u32 = u32::from_le_bytes(*b"WBLK");

/// The only version so far.
const VERSION: u16 = 1;

/// Bytes before the frames of a block.
pub const BLOCK_HEADER_BYTES: usize = 48;

/// No block is longer: it is held in memory as a whole by both ends.
pub const MAX_BLOCK_BYTES: usize = 64 << 20;

/// The name of a block, unique for ever: no two blocks of a lane overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    /// The lane that wrote the records.
    pub lane: LaneId,
    /// The first number that the block covers.
    pub first: Seq,
    /// The last number that the block covers.
    pub last: Seq,
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.lane, self.first, self.last)
    }
}

/// Why a text is not the name of a block.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not a block's id: 16 hexadecimal digits of its lane, its first and its last number, with - between them"
)]
pub struct BlockIdError {
    /// The text.
    pub text: String,
}

impl FromStr for BlockId {
    type Err = BlockIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut parts = text.split('-');
            let (lane, first, last) = (parts.next()?, parts.next()?, parts.next()?);
            let id = Self {
                lane: LaneId::new(u64::from_str_radix(lane, 16).ok()?),
                first: first.parse().ok()?,
                last: last.parse().ok()?,
            };
            // One block has one name: no signs, no leading zeros, no capitals.
            (parts.next().is_none() && id.to_string() == text).then_some(id)
        };
        read().ok_or_else(|| BlockIdError {
            text: text.to_owned(),
        })
    }
}

/// Sealed records, ready to be sent; or received, and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    id: BlockId,
    count: u32,
    wire: Bytes,
}

/// Why received bytes are not a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Shorter than a header.
    #[error("block of {bytes} bytes is shorter than its header of {BLOCK_HEADER_BYTES}")]
    Short {
        /// Bytes received.
        bytes: usize,
    },
    /// Longer than any block may be.
    #[error("block of {bytes} bytes is longer than {MAX_BLOCK_BYTES}")]
    TooLong {
        /// Bytes received.
        bytes: usize,
    },
    /// Not a block at all.
    #[error("block does not start with the magic number of a block")]
    Magic,
    /// Written by a newer or unknown program.
    #[error("block has version {version}; this program reads version {VERSION}")]
    Version {
        /// The version received.
        version: u16,
    },
    /// The header was changed on the way.
    #[error("header of the block does not match its checksum")]
    HeaderChecksum,
    /// The header contradicts itself.
    #[error("header of the block is inconsistent: {problem}")]
    Header {
        /// What does not fit.
        problem: &'static str,
    },
    /// More or fewer bytes than the header announces.
    #[error("block announces {announced} bytes of records and carries {carried}")]
    Length {
        /// Bytes that the header announces.
        announced: usize,
        /// Bytes that follow the header.
        carried: usize,
    },
    /// A record that does not check.
    #[error("record {index} of the block, at byte {offset}: {problem}")]
    Record {
        /// Its place, counted from 0.
        index: u32,
        /// Where it starts.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Block {
    /// Its name; also the token under which it is inserted once.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// How many records it holds; fewer than it covers when some were refused or damaged.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether nothing of what was sealed could be read back: it can be acked without being sent.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes to send.
    pub fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// Numbers and payloads, in order.
    pub fn records(&self) -> impl Iterator<Item = (Seq, &[u8])> {
        let mut rest = &self.wire[BLOCK_HEADER_BYTES..];
        std::iter::from_fn(move || {
            let frame = frame::read_trusted(rest)?;
            rest = &rest[frame.bytes.len()..];
            Some((frame.seq, frame.payload))
        })
    }

    /// The numbers that it covers and has no record for, as ranges of first and last, in order.
    pub fn missing(&self) -> Vec<(Seq, Seq)> {
        let mut missing = Vec::new();
        let mut next = self.id.first;
        // What comes behind the last number ends the last range.
        let ends = self.records().map(|(seq, _)| seq).chain([self.id.last + 1]);
        for seq in ends {
            if seq > next {
                missing.push((next, seq - 1));
            }
            next = seq + 1;
        }
        missing
    }

    /// The same block, under its own id, with other payloads: `change` is asked for each record, and answers none where
    /// it stays as it is. So what has to go from a block goes without leaving a gap.
    #[must_use]
    pub fn rewritten(&self, mut change: impl FnMut(Seq, &[u8]) -> Option<Vec<u8>>) -> Self {
        let seed = Seed::of(self.id.lane);
        let mut builder = Builder::new();
        for (seq, payload) in self.records() {
            let changed = change(seq, payload);
            let payload = changed.as_deref().unwrap_or(payload);
            let bytes = &frame::encode(seed, seq, payload);
            builder.push(&Frame {
                seq,
                payload,
                bytes,
            });
        }
        builder.finish(self.id)
    }

    /// Checks bytes from an untrusted sender. The records are not copied.
    pub fn parse(wire: Bytes) -> Result<Self, BlockError> {
        let header = Header::parse(&wire)?;
        let seed = Seed::of(header.id.lane);
        let mut at = BLOCK_HEADER_BYTES;
        let mut floor = header.id.first;
        for index in 0..header.count {
            let record = |problem| BlockError::Record {
                index,
                offset: at,
                problem,
            };
            let frame = frame::read(&wire[at..], seed, floor).map_err(|fault| {
                record(match fault {
                    Fault::Length => "its length is impossible",
                    Fault::Seq => "its number is out of order",
                    Fault::Checksum => "it does not match its checksum",
                })
            })?;
            if frame.seq > header.id.last {
                return Err(record("its number is beyond the block"));
            }
            floor = frame.seq + 1;
            at += frame.bytes.len();
        }
        if at != wire.len() {
            return Err(BlockError::Header {
                problem: "more bytes than records",
            });
        }
        Ok(Self {
            id: header.id,
            count: header.count,
            wire,
        })
    }
}

struct Header {
    id: BlockId,
    count: u32,
}

impl Header {
    fn parse(wire: &[u8]) -> Result<Self, BlockError> {
        if wire.len() > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLong { bytes: wire.len() });
        }
        let (header, body) = wire
            .split_first_chunk::<BLOCK_HEADER_BYTES>()
            .ok_or(BlockError::Short { bytes: wire.len() })?;
        let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let word = |at: usize| u32::from(half(at)) | u32::from(half(at + 2)) << 16;
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if word(0) != MAGIC {
            return Err(BlockError::Magic);
        }
        if half(4) != VERSION {
            return Err(BlockError::Version { version: half(4) });
        }
        if crc32c::crc32c(&header[..40]) != word(40) || word(44) != 0 || half(6) != 0 {
            return Err(BlockError::HeaderChecksum);
        }
        let (first, last, count) = (long(16), long(24), word(32));
        if first == 0 || first > last || last == Seq::MAX {
            return Err(BlockError::Header {
                problem: "its numbers are not a range",
            });
        }
        if u64::from(count) > (last - first).saturating_add(1) {
            return Err(BlockError::Header {
                problem: "more records than numbers",
            });
        }
        let announced = word(36) as usize;
        if announced != body.len() {
            return Err(BlockError::Length {
                announced,
                carried: body.len(),
            });
        }
        Ok(Self {
            id: BlockId {
                lane: LaneId::new(long(8)),
                first,
                last,
            },
            count,
        })
    }
}

/// A block in the making.
#[derive(Debug)]
pub(super) struct Builder {
    wire: BytesMut,
    count: u32,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            wire: BytesMut::zeroed(BLOCK_HEADER_BYTES),
            count: 0,
        }
    }

    pub(super) fn push(&mut self, frame: &Frame<'_>) {
        self.wire.extend_from_slice(frame.bytes);
        self.count += 1;
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Bytes so far, with the header.
    pub(super) fn bytes(&self) -> usize {
        self.wire.len()
    }

    /// The checksum of all frames, which the ledger keeps so that a block is known to be the same later.
    pub(super) fn checksum(&self) -> u32 {
        crc32c::crc32c(&self.wire[BLOCK_HEADER_BYTES..])
    }

    pub(super) fn finish(mut self, id: BlockId) -> Block {
        let body = self.wire.len() - BLOCK_HEADER_BYTES;
        let mut header = &mut self.wire[..BLOCK_HEADER_BYTES];
        header.put_u32_le(MAGIC);
        header.put_u16_le(VERSION);
        header.put_u16_le(0);
        header.put_u64_le(id.lane.get());
        header.put_u64_le(id.first);
        header.put_u64_le(id.last);
        header.put_u32_le(self.count);
        header.put_u32_le(body as u32);
        let crc = crc32c::crc32c(&self.wire[..40]);
        self.wire[40..44].copy_from_slice(&crc.to_le_bytes());
        Block {
            id,
            count: self.count,
            wire: self.wire.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_rewritten_under_its_own_id() {
        let lane = LaneId::new(5);
        let mut builder = Builder::new();
        for (seq, payload) in [(3, &b"one"[..]), (4, b"two"), (6, b"three")] {
            let bytes = &frame::encode(Seed::of(lane), seq, payload);
            builder.push(&Frame {
                seq,
                payload,
                bytes,
            });
        }
        let (first, last) = (2, 7);
        let block = builder.finish(BlockId { lane, first, last });
        let other = block.rewritten(|seq, payload| (seq == 4).then(|| [payload, b"!"].concat()));
        assert_eq!(other.id(), block.id());
        let parsed = Block::parse(other.wire().clone()).unwrap();
        assert_eq!(parsed, other);
        let records: Vec<_> = parsed.records().collect();
        assert_eq!(records, [(3, &b"one"[..]), (4, b"two!"), (6, b"three")]);
        assert_eq!(parsed.missing(), block.missing());
    }
}
