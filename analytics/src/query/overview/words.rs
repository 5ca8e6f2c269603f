//! Which bit of which word says that a visitor was seen in an interval, or with a value that is shown.
//!
//! Words have 64 bits. A field is a run of bits of one word: up to 64 intervals, or the values of one breakdown. Words are counted in
//! units of 16 bits, as is told in `sql/overview/visitors.sql`; in memory ([`super::held`]) bit by bit.

use std::collections::BTreeSet;

/// Bits of a word.
pub(super) const BITS: usize = 64;
/// Bits of a unit.
const UNIT_BITS: usize = 16;

/// What the bits of a field stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Intervals, from the one with this number on.
    Intervals(usize),
    /// The values of the breakdown with this number.
    Values(usize),
}

/// A run of bits of one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Whose.
    pub(super) of: Of,
    /// Which word.
    pub(super) word: usize,
    /// Its first bit.
    pub(super) first: usize,
    /// How many.
    pub(super) count: usize,
}

impl Field {
    /// Its bits, each as the number that a word has of it.
    pub(super) fn bits(&self) -> Vec<u64> {
        let bits = self.first..self.first + self.count;
        bits.map(|bit| 1 << bit).collect()
    }

    /// Which of its intervals or values a bit stands for.
    pub(super) fn place(&self, bit: usize) -> Option<usize> {
        let place = bit.checked_sub(self.first)?;
        (place < self.count).then_some(place)
    }
}

/// A part of a word that is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Which of all units, those of the words before included.
    pub(super) number: usize,
}

impl Unit {
    /// The units in which these fields lie.
    pub(super) fn of(fields: &[Field]) -> Vec<Self> {
        let of_field = |field: &Field| {
            let last = field.first + field.count - 1;
            let first = field.word * BITS;
            (first + field.first) / UNIT_BITS..=(first + last) / UNIT_BITS
        };
        let numbers: BTreeSet<usize> = fields.iter().flat_map(of_field).collect();
        numbers.into_iter().map(|number| Self { number }).collect()
    }

    /// Its word.
    pub(super) fn word(self) -> usize {
        self.number * UNIT_BITS / BITS
    }

    /// Which of the word's bits is its first.
    pub(super) fn first(self) -> usize {
        self.number * UNIT_BITS % BITS
    }
}

/// Lays out fields for so many intervals, and for breakdowns with so many values each, of which none has more than a word.
pub(super) fn lay_out(intervals: usize, breakdowns: &[usize]) -> Vec<Field> {
    let mut fields = Vec::new();
    // Of each word, how many bits are taken.
    let mut taken: Vec<usize> = Vec::new();
    let mut add = |of, count| {
        let has_room = |taken: &usize| taken + count <= BITS;
        let word = taken.iter().position(has_room).unwrap_or_else(|| {
            taken.push(0);
            taken.len() - 1
        });
        fields.push(Field {
            of,
            word,
            first: taken[word],
            count,
        });
        taken[word] += count;
    };
    for first in (0..intervals).step_by(BITS) {
        add(Of::Intervals(first), BITS.min(intervals - first));
    }
    for (number, &values) in breakdowns.iter().enumerate() {
        if values > 0 {
            add(Of::Values(number), values);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_month_of_days_and_six_breakdowns_take_two_words() {
        let fields = lay_out(30, &[10, 10, 10, 10, 3, 5]);
        let words: Vec<_> = fields.iter().map(|field| field.word).collect();
        assert_eq!(words, [0, 0, 0, 0, 1, 0, 1]);
    }

    proptest! {
        #[test]
        fn no_two_share_a_bit_and_none_is_left_out(
            intervals in 0_usize..300,
            breakdowns in proptest::collection::vec(0_usize..=50, 0..12),
        ) {
            let fields = lay_out(intervals, &breakdowns);
            let mut seen = BTreeSet::new();
            for field in &fields {
                prop_assert!(field.first + field.count <= BITS);
                for (place, bit) in field.bits().into_iter().enumerate() {
                    prop_assert_eq!(field.place(bit.trailing_zeros() as usize), Some(place));
                    prop_assert!(seen.insert((field.word, bit)));
                }
            }
            prop_assert_eq!(seen.len(), intervals + breakdowns.iter().sum::<usize>());
            let units = Unit::of(&fields);
            let in_units: u32 = units
                .iter()
                .map(|unit| {
                    let of_unit = 0xFFFF_u64 << unit.first();
                    let bits = seen.iter().filter(|(word, bit)| *word == unit.word() && bit & of_unit != 0);
                    bits.count() as u32
                })
                .inspect(|bits| assert!(*bits > 0, "no unit is empty"))
                .sum();
            prop_assert_eq!(in_units as usize, seen.len());
        }
    }
}
