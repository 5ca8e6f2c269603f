//! Why numbers are missing: what the journals and ingest have said of them, laid over what is not there. Pure.

use std::collections::BTreeMap;

use super::report::{Missing, MissingRange, Range, Waiting};

/// What is said where nobody knows.
const UNKNOWN: &str = "unknown";

/// What was said of numbers that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The first of them.
    pub(super) first: u64,
    /// The last of them.
    pub(super) last: u64,
    /// Why.
    pub(super) reason: String,
    /// What more is known.
    pub(super) detail: String,
}

/// Gives each missing number its reason: of several, the one that was said last, which stands last in `said`.
pub(super) fn explained(missing: Waiting, said: &[Said], most: usize) -> Missing {
    let mut ranges = Vec::new();
    let mut more = missing.more;
    'ranges: for range in missing.ranges {
        for (piece, of) in pieces(range, said) {
            if ranges.len() == most {
                more = true;
                break 'ranges;
            }
            let (reason, detail) = of.map_or((UNKNOWN, ""), |of| (&of.reason, &of.detail));
            ranges.push(MissingRange {
                first: piece.first,
                last: piece.last,
                reason: reason.into(),
                detail: detail.into(),
            });
        }
    }
    Missing {
        count: missing.count,
        ranges,
        more,
    }
}

/// The range, cut where another reason begins.
fn pieces(range: Range, said: &[Said]) -> Vec<(Range, Option<&Said>)> {
    // Where each piece begins, and whose it is. Painted in order, so that the last word stays on top.
    let mut painted: BTreeMap<u64, Option<usize>> = BTreeMap::from([(range.first, None)]);
    for (index, of) in said.iter().enumerate() {
        if of.last < range.first || of.first > range.last {
            continue;
        }
        let (first, last) = (of.first.max(range.first), of.last.min(range.last));
        let under = |painted: &BTreeMap<u64, Option<usize>>, at: u64| {
            painted.range(..=at).next_back().and_then(|(_, &of)| of)
        };
        if last < range.last {
            let behind = under(&painted, last + 1);
            painted.insert(last + 1, behind);
        }
        let covered: Vec<u64> = painted.range(first..=last).map(|(&at, _)| at).collect();
        for at in covered {
            painted.remove(&at);
        }
        painted.insert(first, Some(index));
    }
    let mut pieces: Vec<(Range, Option<&Said>)> = Vec::new();
    let begins: Vec<_> = painted.into_iter().collect();
    for (place, &(first, of)) in begins.iter().enumerate() {
        let last = begins.get(place + 1).map_or(range.last, |next| next.0 - 1);
        let of = of.map(|index| &said[index]);
        let alike = |other: Option<&Said>| match (other, of) {
            (Some(a), Some(b)) => (&a.reason, &a.detail) == (&b.reason, &b.detail),
            (None, None) => true,
            _ => false,
        };
        match pieces.last_mut().filter(|(_, other)| alike(*other)) {
            Some((before, _)) => before.last = last,
            None => pieces.push((Range { first, last }, of)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(first: u64, last: u64, reason: &str) -> Said {
        Said {
            first,
            last,
            reason: reason.into(),
            detail: String::new(),
        }
    }

    fn missing(ranges: &[(u64, u64)]) -> Waiting {
        Waiting {
            count: ranges.iter().map(|(first, last)| last - first + 1).sum(),
            ranges: ranges
                .iter()
                .map(|&(first, last)| Range { first, last })
                .collect(),
            more: false,
        }
    }

    proptest! {
        #[test]
        fn each_number_has_the_last_word_said_of_it(
            words in prop::collection::vec((1_u64..60, 0_u64..20, 0_usize..3), 0..8),
        ) {
            let words: Vec<Said> = words
                .iter()
                .map(|&(first, more, reason)| said(first, first + more, ["refused", "damaged", "set_aside"][reason]))
                .collect();
            let found = explained(missing(&[(5, 30), (40, 41)]), &words, 1000);
            let mut reached = Vec::new();
            for range in &found.ranges {
                for seq in range.first..=range.last {
                    let word = words.iter().rfind(|word| (word.first..=word.last).contains(&seq));
                    prop_assert_eq!(&range.reason, word.map_or("unknown", |word| &word.reason));
                    reached.push(seq);
                }
            }
            prop_assert_eq!(reached, (5..=30).chain(40..=41).collect::<Vec<_>>());
            prop_assert!(!found.more);
        }
    }

    #[test]
    fn what_is_left_out_is_said() {
        let words = [said(2, 2, "refused"), said(4, 4, "damaged")];
        let found = explained(missing(&[(1, 5)]), &words, 3);
        assert_eq!(found.count, 5);
        assert!(found.more);
        let reasons: Vec<_> = found.ranges.iter().map(|r| r.reason.as_str()).collect();
        assert_eq!(reasons, ["unknown", "refused", "unknown"]);
    }
}
