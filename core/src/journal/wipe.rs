//! Overwrites what a lane has delivered and still has on disk, beside whichever process has the lane open.
//!
//! A segment goes when nothing but delivered records is left in it, so on a quiet node a record may lie in the last
//! segment for days after it has arrived. Nobody reads it again: a reader begins at the cursor, and so does recovery.
//! What lies before the cursor can therefore be overwritten by anybody, as soon as the cursor is durable. A cursor that
//! was read while it moved is an older one, and spares more than it must.
//!
//! The bytes are overwritten in the file. A file system that copies on write, a snapshot or a flash drive may keep what
//! was there before; that is beyond what a program can reach.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use super::{
    peek::{self, PeekError},
    segment,
};

/// How much is looked at and overwritten at a time.
const PIECE: usize = 1 << 20;

/// Overwrites with zeros, durably, every record of the lane in `dir` that was acked; answers how many bytes that changed.
pub fn wipe(dir: &Path) -> Result<u64, PeekError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PeekError::Io { path, source }
    };
    let seen = peek::ledger(dir)?;
    // What is about to go must not be wanted by a cursor that power loss brings back.
    let synced = File::open(&seen.control).and_then(|file| file.sync_all());
    synced.map_err(failed(&seen.control))?;
    let cursor = seen.ledger.cursor().position;
    let mut changed = 0;
    for entry in dir.read_dir().map_err(failed(dir))? {
        let entry = entry.map_err(failed(dir))?;
        let index = segment::index_of(&entry.file_name().to_string_lossy());
        let end = match index.map(|index| index.cmp(&cursor.segment)) {
            Some(std::cmp::Ordering::Less) => u64::MAX,
            Some(std::cmp::Ordering::Equal) => u64::from(cursor.offset),
            Some(std::cmp::Ordering::Greater) | None => continue,
        };
        match zero(&entry.path(), end) {
            Ok(bytes) => changed += bytes,
            // It was freed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&entry.path())(error)),
        }
    }
    Ok(changed)
}

/// Overwrites the frames of a segment up to `end`; what is zero already is left alone.
fn zero(path: &Path, end: u64) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let end = end.min(file.metadata()?.len());
    let (mut at, mut changed) = (segment::HEADER as u64, 0);
    let mut piece = vec![0; PIECE];
    let zeros = vec![0; PIECE];
    while at < end {
        let want = PIECE.min((end - at) as usize);
        let piece = &mut piece[..want];
        file.read_exact_at(piece, at)?;
        let used = piece.iter().filter(|byte| **byte != 0).count() as u64;
        if used > 0 {
            file.write_all_at(&zeros[..want], at)?;
            changed += used;
        }
        at += want as u64;
    }
    if changed > 0 {
        file.sync_all()?;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{LaneOptions, open};

    fn options() -> LaneOptions {
        LaneOptions {
            segment_bytes: 1 << 16,
            max_record_bytes: 1000,
            ..LaneOptions::default()
        }
    }

    /// How often each of the bytes 1.. stands in the lane's segments, as runs of 100.
    fn found(dir: &Path, byte: u8) -> bool {
        dir.read_dir().unwrap().any(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|it| it == "seg")
                && std::fs::read(path)
                    .unwrap()
                    .windows(100)
                    .any(|run| run.iter().all(|it| *it == byte))
        })
    }

    #[test]
    fn what_was_delivered_is_gone_and_what_was_not_is_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("lane-0");
        let (mut writer, mut reader) = open(&dir, options()).unwrap();
        for byte in 1..=6_u8 {
            writer.append(&[byte; 100]).unwrap();
        }
        let delivered = reader.next_block(1 << 20, 3).unwrap().unwrap();
        assert_eq!(wipe(&dir).unwrap(), 0, "nothing was acked yet");
        reader.ack(delivered.id()).unwrap();
        // While the lane is open, and goes on.
        assert!(wipe(&dir).unwrap() >= 300);
        assert_eq!(wipe(&dir).unwrap(), 0, "once is enough");
        writer.append(&[7; 100]).unwrap();
        let there = (1..=7).map(|byte| found(&dir, byte));
        let expected = [false, false, false, true, true, true, true];
        assert_eq!(there.collect::<Vec<_>>(), expected);
        drop((writer, reader));

        // The lane is whole for whoever opens it next.
        let (writer, mut reader) = open(&dir, options()).unwrap();
        let block = reader.next_block(1 << 20, 100).unwrap().unwrap();
        let records: Vec<_> = block.records().map(|(seq, it)| (seq, it[0])).collect();
        assert_eq!(records, [(4, 4), (5, 5), (6, 6), (7, 7)]);
        assert_eq!(reader.lost().corrupt, 0);
        drop(writer);
    }

    #[test]
    fn whole_segments_and_several_are_wiped() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("lane-0");
        let (mut writer, mut reader) = open(&dir, options()).unwrap();
        for n in 0..300_u32 {
            writer.append(&[1 + (n / 150) as u8; 900]).unwrap();
        }
        let mut acked = 0;
        while acked < 150 {
            let block = reader.next_block(1 << 20, 50).unwrap().unwrap();
            acked += u64::from(block.count());
            reader.ack(block.id()).unwrap();
        }
        wipe(&dir).unwrap();
        assert!(!found(&dir, 1) && found(&dir, 2));
        let rest = reader.next_block(1 << 20, 200).unwrap().unwrap();
        assert!(rest.records().all(|(_, record)| record == [2; 900]));
    }
}
