//! The journals' files on this machine: what was delivered is overwritten, and all of them are searched for what is left.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aho_corasick::AhoCorasick;
use whence_core::journal;
use whence_core::process::Failure;

use crate::journal::Lane;

/// How much of a file is searched at a time.
const PIECE: usize = 4 << 20;

/// Overwrites what all lanes have delivered and still have on disk; answers how many bytes that were.
pub(super) fn wipe(lanes: &[Lane]) -> Result<u64, Failure> {
    let wiped = lanes.iter().map(|lane| journal::wipe(&lane.dir));
    wiped.sum::<Result<u64, _>>().map_err(Failure::runtime)
}

/// How often any of the patterns stands in the files of a lane.
pub(super) fn search(lane: &Lane, patterns: &[Vec<u8>]) -> Result<u64, Failure> {
    if patterns.is_empty() {
        return Ok(0);
    }
    let longest = patterns.iter().map(Vec::len).max().unwrap_or_default();
    let finder = AhoCorasick::new(patterns).map_err(Failure::runtime)?;
    let mut found = 0;
    for dir in [lane.dir.clone(), lane.dir.join("aside")] {
        let failed = |error: io::Error| Failure::Runtime(format!("{}: {error}", dir.display()));
        let entries = match dir.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.is_file() {
                found += in_file(&path, &finder, longest)?;
            }
        }
    }
    Ok(found)
}

/// How often any of the patterns stands in a file.
fn in_file(path: &Path, finder: &AhoCorasick, longest: usize) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::Runtime(format!("{}: {error}", path.display()));
    let mut file = match File::open(path) {
        // It was delivered meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file.map_err(failed)?,
    };
    let (mut piece, mut kept, mut found) = (vec![0; PIECE + longest], 0, 0);
    loop {
        let count = file.read(&mut piece[kept..]).map_err(failed)?;
        if count == 0 {
            return Ok(found);
        }
        let end = kept + count;
        // What ends in what was kept of the piece before was counted with it.
        let new = finder
            .find_overlapping_iter(&piece[..end])
            .filter(|it| it.end() > kept);
        found += new.count() as u64;
        let keep = longest.saturating_sub(1).min(end);
        piece.copy_within(end - keep..end, 0);
        kept = keep;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_across_two_pieces_is_found_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.seg");
        let mut bytes = vec![0; 3 * PIECE];
        for at in [0, PIECE - 3, 2 * PIECE + 9, 3 * PIECE - 6] {
            bytes[at..at + 6].copy_from_slice(b"marker");
        }
        std::fs::write(&path, bytes).unwrap();
        let patterns = [&b"marker"[..], b"a longer one"];
        let finder = AhoCorasick::new(patterns).unwrap();
        assert_eq!(in_file(&path, &finder, 12).unwrap(), 4);
    }
}
