//! Blocks set aside are files: what a crash, a hand or a bad disk makes of them.

use std::fs;
use std::path::Path;

use super::*;
use crate::journal::{self, LaneOptions};

fn block(lane: &Path) -> Block {
    let options = LaneOptions {
        segment_bytes: 1 << 16,
        max_record_bytes: 1000,
        ..LaneOptions::default()
    };
    let (mut writer, mut reader) = journal::open(lane, options).unwrap();
    for n in 0..20_u8 {
        writer.append(&[n; 50]).unwrap();
    }
    reader.next_block(1 << 20, 100).unwrap().unwrap()
}

fn note(block: &Block) -> Note {
    Note::of(block, "redirector", Records::Clicks, "no such column")
}

#[test]
fn a_block_is_kept_as_it_was_until_it_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (block, aside) = (block(dir.path()), Aside::of(dir.path()));
    assert_eq!(aside.list().unwrap(), []);
    let note = note(&block);
    aside.put(&block, &note).unwrap();
    let listed = |is_requested| Entry {
        id: block.id(),
        bytes: block.wire().len() as u64,
        note: Some(note.clone()),
        is_requested,
    };
    assert_eq!(aside.list().unwrap(), [listed(false)]);
    assert_eq!(aside.read(block.id()).unwrap(), block);
    aside.request(block.id()).unwrap();
    assert_eq!(aside.list().unwrap(), [listed(true)]);
    aside.withdraw(block.id()).unwrap();
    assert_eq!(aside.list().unwrap(), [listed(false)]);
    assert!(aside.remove(block.id()).unwrap());
    assert!(!aside.remove(block.id()).unwrap());
    assert_eq!(fs::read_dir(dir.path().join("aside")).unwrap().count(), 0);
    for missing in [
        aside.request(block.id()).unwrap_err(),
        aside.read(block.id()).unwrap_err(),
    ] {
        assert!(matches!(missing, AsideError::Missing { .. }), "{missing}");
    }
}

#[test]
fn after_a_crash_at_any_step_it_is_there_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (block, aside) = (block(dir.path()), Aside::of(dir.path()));
    let whole = dir
        .path()
        .join("aside")
        .join(format!("{}.block", block.id()));
    let stem = |kind: &str| whole.with_extension(kind);
    // The note half written; the note there; the block half written; the block there and not yet acked.
    let crashes: [&dyn Fn(); 4] = [
        &|| fs::write(stem("new"), "{").unwrap(),
        &|| fs::write(stem("json"), "{}").unwrap(),
        &|| fs::write(stem("new"), &block.wire()[..100]).unwrap(),
        &|| aside.put(&block, &note(&block)).unwrap(),
    ];
    for (step, crash) in crashes.into_iter().enumerate() {
        fs::create_dir_all(dir.path().join("aside")).unwrap();
        crash();
        aside.sweep().unwrap();
        let is_there = step == 3;
        assert_eq!(aside.list().unwrap().len(), usize::from(is_there), "{step}");
        assert_eq!(whole.exists(), is_there, "{step}");
        assert!(!stem("new").exists(), "{step}");
        // The same block comes again, and makes the same files.
        aside.put(&block, &note(&block)).unwrap();
        assert_eq!(aside.read(block.id()).unwrap(), block, "{step}");
        assert_eq!(aside.list().unwrap().len(), 1, "{step}");
        fs::remove_dir_all(dir.path().join("aside")).unwrap();
    }
}

#[test]
fn what_is_damaged_or_strange_is_told_and_harms_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (block, aside) = (block(dir.path()), Aside::of(dir.path()));
    aside.put(&block, &note(&block)).unwrap();
    let folder = dir.path().join("aside");
    fs::write(folder.join("README"), "by hand").unwrap();
    let other = BlockId {
        first: block.id().first + 1,
        ..block.id()
    };
    fs::write(folder.join(format!("{other}.block")), block.wire()).unwrap();
    let entries = aside.list().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].note, None, "a block without a note is a block");
    let error = aside.read(other).unwrap_err().to_string();
    assert!(error.contains(&block.id().to_string()), "{error}");
    let mut bytes = block.wire().to_vec();
    bytes[60] ^= 1;
    fs::write(folder.join(format!("{}.block", block.id())), bytes).unwrap();
    let error = aside.read(block.id()).unwrap_err();
    assert!(matches!(error, AsideError::Damaged { .. }), "{error}");
    aside.sweep().unwrap();
    assert!(folder.join("README").exists());
}
