//! Finds where the records of a lane end after a start, and makes that end clean.
//!
//! A frame that does not check is a torn tail if no later frame of the lane checks, in this segment or in a
//! later one: it is wiped, and writing goes on in its place. Otherwise it is damage in the middle: it stays,
//! readers pass over it, and its numbers stay missing.

use std::{io, path::PathBuf};

use super::{
    Seq,
    frame::{ALIGN, Seed},
    ledger::Cursor,
    segment::{self, Segment},
    walk::Walk,
};

/// The segments of a lane, with clean ends.
pub(super) struct Scan {
    /// In the order of their indexes.
    pub(super) segments: Vec<Segment>,
    /// How many of them are in use; writing goes on in the last of these if `resumes`. The rest are empty.
    pub(super) used: usize,
    /// Whether the last segment in use can be written on.
    pub(super) resumes: bool,
    /// The number of the first unsealed record.
    pub(super) first: Option<Seq>,
    /// The smallest number that may come next.
    pub(super) next: Seq,
}

/// What was seen of one segment.
struct Seen {
    place: usize,
    start: usize,
    end: usize,
}

impl Scan {
    /// Reads everything behind `sealed`, and makes it durable.
    pub(super) fn run(
        mut segments: Vec<Segment>,
        seed: Seed,
        sealed: Cursor,
    ) -> Result<Self, (PathBuf, io::Error)> {
        let (mut next, mut first, mut last_used) = (sealed.acked + 1, None, None);
        let mut seen = Vec::new();
        for (place, segment) in segments.iter().enumerate() {
            if segment.index() < sealed.position.segment {
                continue;
            }
            let is_sealed_into = segment.index() == sealed.position.segment;
            let start = if is_sealed_into {
                sealed.position.offset as usize
            } else {
                0
            };
            let start = start.max(segment::HEADER).min(segment.len());
            let mut walk = Walk::new(segment.published(), start, seed, next);
            for found in walk.by_ref() {
                first.get_or_insert(found.frame.seq);
                next = found.frame.seq + 1;
                last_used = Some(place);
            }
            seen.push(Seen {
                place,
                start,
                end: walk.at(),
            });
        }
        // Without a record, writing goes on where the last seal ended.
        let written = last_used.or(seen.first().map(|seen| seen.place));
        for Seen { place, start, end } in seen {
            let segment = &mut segments[place];
            if Some(place) < written {
                // Readers are to see what is damaged, up to its end.
                let damaged = segment.published()[end..]
                    .iter()
                    .rposition(|&byte| byte != 0);
                segment
                    .end_at(damaged.map_or(end, |last| (end + last + 1).next_multiple_of(ALIGN)));
            } else if segment.truncate(end) {
                tracing::warn!(segment = %segment.path().display(), end, "torn tail of the journal was cut off");
            }
            segment
                .sync_again(start)
                .map_err(|error| (segment.path().to_owned(), error))?;
        }
        let used = written.map_or(segments.len(), |place| place + 1);
        Ok(Self {
            segments,
            used,
            resumes: written.is_some(),
            first,
            next,
        })
    }
}
