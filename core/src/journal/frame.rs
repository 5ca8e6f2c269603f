//! One record as it stands in a segment and in a block: sixteen bytes of header, the payload, zeros up to
//! the next multiple of eight.
//!
//! ```text
//!  0  u32  length of header and payload, without the padding; 0 where nothing was written yet
//!  4  u32  CRC32C of bytes 8.. to the end of the padding, started from seed(lane) ^ length
//!  8  u64  sequence number
//! 16       payload, then zeros
//! ```
//!
//! All numbers are little-endian. The seed binds a frame to its lane: a payload that happens to look like a
//! frame, or a segment copied from another lane, does not check. Where frames lie is not known here.

use super::{LaneId, Seq};

/// Bytes before the payload.
pub(super) const HEADER: usize = 16;

/// Frames start at multiples of this, so that the length word can be published by one atomic store.
pub(super) const ALIGN: usize = 8;

/// No lane drops a trillion records between two that it keeps: a larger jump is damage, not history.
pub(super) const LARGEST_JUMP: Seq = 1 << 40;

/// Bytes of a frame with its padding.
pub(super) const fn size(payload_bytes: usize) -> usize {
    (HEADER + payload_bytes).next_multiple_of(ALIGN)
}

/// Where the checksum of every frame of one lane starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seed(u32);

impl Seed {
    pub(super) fn of(lane: LaneId) -> Self {
        Self(crc32c::crc32c(&lane.get().to_le_bytes()))
    }

    fn checksum(self, length: u32, covered: &[u8]) -> u32 {
        crc32c::crc32c_append(self.0 ^ length, covered)
    }
}

/// A frame that checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Its number in the lane.
    pub(super) seq: Seq,
    /// What the caller appended.
    pub(super) payload: &'a [u8],
    /// Header, payload and padding.
    pub(super) bytes: &'a [u8],
}

/// Writes a whole frame except its length word into `space`, which is exactly `size(payload.len())` long,
/// and returns the length word, to be stored last.
#[inline]
pub(super) fn fill(space: &mut [u8], seed: Seed, seq: Seq, payload: &[u8]) -> u32 {
    let length = (HEADER + payload.len()) as u32;
    let end = space.len();
    // The padding lies in the last eight bytes; the payload then overwrites what belongs to it.
    space[end - ALIGN..].fill(0);
    space[8..HEADER].copy_from_slice(&seq.to_le_bytes());
    space[HEADER..HEADER + payload.len()].copy_from_slice(payload);
    let crc = seed.checksum(length, &space[8..]);
    space[4..8].copy_from_slice(&crc.to_le_bytes());
    length
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The length is impossible, or more than what follows.
    Length,
    /// The number is not one that may stand here.
    Seq,
    /// The bytes differ from those that were written.
    Checksum,
}

/// Reads the frame at the start of `bytes`. Its number must lie in `floor .. floor + LARGEST_JUMP`; this and
/// the length are looked at first, so that garbage rarely costs a checksum.
pub(super) fn read(bytes: &[u8], seed: Seed, floor: Seq) -> Result<Frame<'_>, Fault> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Fault::Length);
    };
    let (length, crc, seq) = parts(header);
    let payload_bytes = (length as usize).checked_sub(HEADER).ok_or(Fault::Length)?;
    if payload_bytes > super::MAX_RECORD_BYTES {
        return Err(Fault::Length);
    }
    let frame = bytes.get(..size(payload_bytes)).ok_or(Fault::Length)?;
    if seq < floor || seq - floor >= LARGEST_JUMP {
        return Err(Fault::Seq);
    }
    if seed.checksum(length, &frame[8..]) != crc {
        return Err(Fault::Checksum);
    }
    Ok(Frame {
        seq,
        payload: &frame[HEADER..HEADER + payload_bytes],
        bytes: frame,
    })
}

/// Reads the next of frames that were checked before.
pub(super) fn read_trusted(bytes: &[u8]) -> Option<Frame<'_>> {
    let (header, _) = bytes.split_first_chunk::<HEADER>()?;
    let (length, _, seq) = parts(header);
    let payload_bytes = (length as usize).checked_sub(HEADER)?;
    let frame = bytes.get(..size(payload_bytes))?;
    Some(Frame {
        seq,
        payload: &frame[HEADER..HEADER + payload_bytes],
        bytes: frame,
    })
}

fn parts(header: &[u8; HEADER]) -> (u32, u32, Seq) {
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    (
        word(0),
        word(4),
        u64::from(word(8)) | u64::from(word(12)) << 32,
    )
}

/// A whole frame.
pub(super) fn encode(seed: Seed, seq: Seq, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; size(payload.len())];
    let length = fill(&mut bytes, seed, seq, payload);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed(7);

    #[test]
    fn every_length_round_trips_with_zero_padding() {
        for length in 0..64 {
            let payload: Vec<u8> = (1..=length).collect();
            let bytes = encode(SEED, 9, &payload);
            let frame = read(&bytes, SEED, 1).unwrap();
            assert_eq!(
                (frame.seq, frame.payload, frame.bytes),
                (9, &payload[..], &bytes[..])
            );
            assert!(
                bytes[HEADER + payload.len()..]
                    .iter()
                    .all(|&byte| byte == 0)
            );
            assert_eq!(read_trusted(&bytes).unwrap(), frame);
        }
    }

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let whole = encode(SEED, 9, b"a payload of some length");
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes, SEED, 1).is_err(), "bit {bit} went unnoticed");
        }
    }

    #[test]
    fn a_frame_of_another_lane_does_not_check() {
        let bytes = encode(Seed::of(LaneId::new(1)), 9, b"x");
        assert_eq!(
            read(&bytes, Seed::of(LaneId::new(2)), 1),
            Err(Fault::Checksum)
        );
    }

    #[test]
    fn numbers_from_the_past_or_the_far_future_are_refused() {
        let bytes = encode(SEED, 9, b"x");
        assert_eq!(read(&bytes, SEED, 10), Err(Fault::Seq));
        let far = encode(SEED, 1 + LARGEST_JUMP, b"x");
        assert_eq!(read(&far, SEED, 1), Err(Fault::Seq));
    }

    #[test]
    fn unwritten_space_is_not_a_frame() {
        assert_eq!(read(&[0; 64], SEED, 0), Err(Fault::Length));
        assert_eq!(read(&[], SEED, 0), Err(Fault::Length));
    }
}
