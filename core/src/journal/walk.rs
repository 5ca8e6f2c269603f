//! Walks the frames in a run of bytes, in order, past what is damaged.
//!
//! A frame that does not check is passed over when a later one does: from the damage on, every multiple of
//! eight is tried until a frame checks whose number may still come. Nothing after the last frame that checks
//! is ever invented, skipped or counted: whether that is a torn tail or a hole is for the caller to say.
//! The rest of a page may be empty between frames: the pen leaves it after a sync.

use std::ops::Range;

use super::{
    Seq,
    frame::{self, Frame, Seed},
    segment::PAGE,
};

/// The state of one walk.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    /// Where the last frame that checked ended.
    at: usize,
    seed: Seed,
    /// The smallest number that may come next.
    floor: Seq,
}

/// A frame, and what lay damaged before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// The frame.
    pub(super) frame: Frame<'a>,
    /// Where it ends.
    pub(super) end: usize,
    /// The bytes that were passed over to reach it.
    pub(super) skipped: Range<usize>,
    /// Whether they are damage, and not the rest of a page that the pen left.
    pub(super) is_damaged: bool,
}

impl<'a> Walk<'a> {
    /// Starts at `at`, a multiple of eight, with numbers from `floor` on.
    pub(super) fn new(bytes: &'a [u8], at: usize, seed: Seed, floor: Seq) -> Self {
        Self {
            bytes,
            at: at.min(bytes.len()),
            seed,
            floor,
        }
    }

    /// Where the last frame ended; after the walk, where the tail starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What follows the last frame.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn next_start(&self, from: usize) -> Option<usize> {
        // Unwritten space is by far the most common filling; it is crossed without trying each offset.
        let zeros = self.bytes.get(from..)?.iter().position(|&byte| byte != 0)?;
        Some((from + zeros) / frame::ALIGN * frame::ALIGN)
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let mut start = self.next_start(self.at)?;
        loop {
            if let Ok(frame) = frame::read(&self.bytes[start..], self.seed, self.floor) {
                let skipped = self.at..start;
                let is_empty = self.bytes[skipped.clone()].iter().all(|&byte| byte == 0);
                let is_left = start.is_multiple_of(PAGE) && skipped.len() < PAGE;
                let is_damaged =
                    !is_empty || (!is_left && !skipped.is_empty() && frame.seq > self.floor);
                self.at = start + frame.bytes.len();
                self.floor = frame.seq + 1;
                return Some(Found {
                    frame,
                    end: self.at,
                    skipped,
                    is_damaged,
                });
            }
            start = self.next_start(start + frame::ALIGN)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::LaneId;

    fn seed() -> Seed {
        Seed::of(LaneId::new(5))
    }

    fn run(payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for (seq, payload) in (1..).zip(payloads) {
            let start = bytes.len();
            bytes.extend(frame::encode(seed(), seq, payload));
            places.push(start..bytes.len());
        }
        (bytes, places)
    }

    fn seqs(bytes: &[u8]) -> Vec<Seq> {
        Walk::new(bytes, 0, seed(), 1)
            .map(|found| found.frame.seq)
            .collect()
    }

    proptest! {
        #![proptest_config(crate::journal::tests::config())]

        /// Whatever is overwritten, exactly the untouched frames are found.
        #[test]
        fn damage_costs_only_what_it_touches(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..30),
            garbage in prop::collection::vec(any::<u8>(), 1..60),
            place in any::<prop::sample::Index>(),
        ) {
            let (mut bytes, places) = run(&payloads);
            let whole = bytes.clone();
            let start = place.index(bytes.len());
            let end = (start + garbage.len()).min(bytes.len());
            bytes[start..end].copy_from_slice(&garbage[..end - start]);
            let untouched: Vec<Seq> = (1..)
                .zip(&places)
                .filter(|(_, place)| bytes[(*place).clone()] == whole[(*place).clone()])
                .map(|(seq, _)| seq)
                .collect();
            prop_assert_eq!(seqs(&bytes), untouched);
        }

        /// Arbitrary bytes are walked without a panic.
        #[test]
        fn garbage_is_walked(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(seqs(&bytes).is_empty());
        }
    }

    #[test]
    fn the_skipped_range_and_the_tail_are_told() {
        let (mut bytes, places) = run(&[b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        bytes[places[1].start + 17] ^= 4;
        let end = bytes.len();
        bytes.extend([0; 40]);
        let mut walk = Walk::new(&bytes, 0, seed(), 1);
        let first = walk.next().unwrap();
        assert!(first.skipped.is_empty() && !first.is_damaged);
        let third = walk.next().unwrap();
        assert_eq!(
            (third.frame.seq, third.skipped, third.is_damaged),
            (3, places[1].clone(), true)
        );
        assert_eq!(walk.next(), None);
        assert_eq!((walk.at(), walk.rest()), (end, &[0; 40][..]));
    }
}
