//! What the lane's next account will say: how far its numbers have come, and which did not arrive.
//!
//! Gaps stay here until an account with them was taken. They are lost with the process: the audit then still
//! finds the numbers missing, without a reason.

use std::collections::VecDeque;

use crate::account::{Gap, GapReason, MOST_GAPS};
use crate::journal::{Block, Seq};

/// The most gaps that are kept while accounts cannot be sent, some 100 bytes each.
const MOST_KEPT: usize = 20 * MOST_GAPS;

/// A lane's books.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// The highest number given out.
    pub(super) taken: Seq,
    /// All numbers up to it are done with.
    pub(super) freed: Seq,
    gaps: VecDeque<Gap>,
}

impl Books {
    /// Takes note of a gap; one that goes on where the last ended lengthens it.
    pub(super) fn add(&mut self, gap: Gap) {
        if let Some(last) = self.gaps.back_mut() {
            let is_same = last.reason == gap.reason && last.detail == gap.detail;
            if is_same && gap.first <= last.last + 1 && gap.first >= last.first {
                last.last = last.last.max(gap.last);
                return;
            }
        }
        if self.gaps.len() == MOST_KEPT {
            // The numbers stay missing all the same; only why is not known any more.
            self.gaps.pop_front();
            tracing::warn!("accounts cannot be sent; the reason of a gap is forgotten");
        }
        self.gaps.push_back(gap);
    }

    /// Takes note of what a block has no record for, of which so much was found damaged.
    pub(super) fn add_missing(&mut self, block: &Block, damaged: &[(Seq, Seq)]) {
        for (first, last) in block.missing() {
            let is_damaged = damaged
                .iter()
                .any(|&(from, to)| from <= last && first <= to);
            let (reason, detail) = if is_damaged {
                (GapReason::Damaged, "damaged in the journal")
            } else {
                let detail = "not stored in the journal: no room, or above the limit of a record";
                (GapReason::Refused, detail)
            };
            self.add(Gap {
                first,
                last,
                reason,
                detail: detail.to_owned(),
            });
        }
    }

    /// Takes out as many gaps as an account has room for.
    pub(super) fn take_gaps(&mut self) -> Vec<Gap> {
        let count = self.gaps.len().min(MOST_GAPS);
        self.gaps.drain(..count).collect()
    }

    /// Puts gaps back whose account did not arrive.
    pub(super) fn give_back(&mut self, gaps: Vec<Gap>) {
        for gap in gaps.into_iter().rev() {
            if self.gaps.len() < MOST_KEPT {
                self.gaps.push_front(gap);
            }
        }
    }

    /// Whether a gap waits to be told.
    pub(super) fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(first: Seq, last: Seq, reason: GapReason) -> Gap {
        Gap {
            first,
            last,
            reason,
            detail: String::new(),
        }
    }

    #[test]
    fn neighbours_become_one_and_others_stay_apart() {
        let mut books = Books::default();
        books.add(gap(1, 3, GapReason::Refused));
        books.add(gap(4, 4, GapReason::Refused));
        books.add(gap(4, 4, GapReason::Refused));
        books.add(gap(5, 6, GapReason::Damaged));
        books.add(gap(9, 9, GapReason::Damaged));
        let gaps = books.take_gaps();
        let expected = [
            gap(1, 4, GapReason::Refused),
            gap(5, 6, GapReason::Damaged),
            gap(9, 9, GapReason::Damaged),
        ];
        assert_eq!(gaps, expected);
        // What was taken is not lengthened any more; what comes back comes first.
        books.add(gap(10, 10, GapReason::Damaged));
        books.give_back(gaps);
        let again = books.take_gaps();
        assert_eq!(again[..3], expected);
        assert_eq!(again[3], gap(10, 10, GapReason::Damaged));
        assert!(!books.has_gaps());
    }

    #[test]
    fn they_are_bounded_and_told_in_parts() {
        let mut books = Books::default();
        for n in 0..MOST_KEPT as Seq + 10 {
            books.add(gap(2 * n + 1, 2 * n + 1, GapReason::Refused));
        }
        let first = books.take_gaps();
        assert_eq!((first.len(), first[0].first), (MOST_GAPS, 21));
        let mut count = first.len();
        while books.has_gaps() {
            count += books.take_gaps().len();
        }
        assert_eq!(count, MOST_KEPT);
    }
}
