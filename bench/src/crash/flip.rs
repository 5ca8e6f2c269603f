//! Bits that are flipped in a redirector's journal, in records that the oracle can name.
//!
//! A click's own query stands in its record as it was sent: so it is found without knowing the journal's form,
//! and the bit that is flipped is one of a record's payload for certain.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;

/// What stands before a click's number in its query.
const MARK: &[u8] = b"n=";
/// Records behind the one that is flipped, in the same file: a damaged last record can not be told from one that was
/// being written.
const BEHIND: usize = 4;

/// A click by its visitor and number.
pub(super) type Name = (usize, usize);

/// Where a click stands.
struct Found {
    file: PathBuf,
    at: usize,
    length: usize,
    name: Name,
}

/// Flips a bit of one of these clicks in the lanes under `journal`, where there is one; says which.
pub(super) fn flip_one(
    journal: &Path,
    clicks: &HashSet<Name>,
    random: &mut Rng,
) -> Result<Option<Name>> {
    let mut candidates = Vec::new();
    for lane in std::fs::read_dir(journal).with_context(|| journal.display().to_string())? {
        let lane = lane?.path();
        if !lane.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&lane)? {
            let file = file?.path();
            if file.extension().is_none_or(|extension| extension != "seg") {
                continue;
            }
            let mut found = find(&file, &std::fs::read(&file)?);
            found.truncate(found.len().saturating_sub(BEHIND));
            candidates.extend(
                found
                    .into_iter()
                    .filter(|found| clicks.contains(&found.name)),
            );
        }
    }
    let Some(chosen) = random.choice(&candidates) else {
        return Ok(None);
    };
    let file = File::options().read(true).write(true).open(&chosen.file)?;
    let at = (chosen.at + random.usize(..chosen.length)) as u64;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    byte[0] ^= 1 << random.u8(..8);
    file.write_all_at(&byte, at)?;
    Ok(Some(chosen.name))
}

/// Every click in a segment, in order.
fn find(file: &Path, bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(place) = bytes[at..].windows(MARK.len()).position(|w| w == MARK) {
        let start = at + place;
        let digits = |from: usize| {
            let count = bytes[from..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
            let text = std::str::from_utf8(&bytes[from..from + count]).ok()?;
            Some((text.parse().ok()?, from + count))
        };
        at = start + MARK.len();
        let Some((visitor, end)) = digits(at) else {
            continue;
        };
        if bytes.get(end) != Some(&b'.') {
            continue;
        }
        if let Some((number, end)) = digits(end + 1) {
            found.push(Found {
                file: file.to_owned(),
                at: start,
                length: end - start,
                name: (visitor, number),
            });
            at = end;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::clicks::marker;

    #[test]
    fn one_bit_of_the_named_click_is_flipped_and_never_of_a_last_one() {
        let dir = tempfile::tempdir().unwrap();
        let lane = dir.path().join("lane-0");
        std::fs::create_dir(&lane).unwrap();
        let before: String = (0..10)
            .map(|n| format!("\u{1}{}\0n=x", marker(3, n)))
            .collect();
        let segment = lane.join("1.seg");
        let mut random = Rng::with_seed(1);
        std::fs::write(&segment, &before).unwrap();
        let last = HashSet::from([(3, 9)]);
        assert_eq!(flip_one(dir.path(), &last, &mut random).unwrap(), None);
        assert_eq!(std::fs::read(&segment).unwrap(), before.as_bytes());

        let one = HashSet::from([(3, 2), (4, 4)]);
        assert_eq!(
            flip_one(dir.path(), &one, &mut random).unwrap(),
            Some((3, 2))
        );
        let after = std::fs::read(&segment).unwrap();
        let changed: Vec<_> = (0..after.len())
            .filter(|&i| after[i] != before.as_bytes()[i])
            .collect();
        let start = before.find("n=3.2").unwrap();
        assert!(
            matches!(changed[..], [at] if (start..start + 5).contains(&at)),
            "{changed:?}"
        );
        assert_eq!(
            (after[changed[0]] ^ before.as_bytes()[changed[0]]).count_ones(),
            1
        );
    }
}
