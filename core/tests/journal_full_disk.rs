//! A volume that is really full: refused records are counted, the lane opens and reads, and goes on when
//! blocks were acked. On a tmpfs of 1 MiB where this process may mount one; elsewhere it says so and fills
//! the lane to its own cap, which refuses new segments in the same way.
#![allow(clippy::unwrap_used)] // As in every test; the lint does not see that a helper belongs to one.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use whence_core::journal::{self, AppendError, LaneOptions, LaneReader, LaneWriter};
use whence_core::test_support::Volume;

fn options() -> LaneOptions {
    LaneOptions {
        segment_bytes: 128 << 10,
        max_bytes: 64 << 20,
        sync_interval: Duration::from_millis(5),
        ..LaneOptions::default()
    }
}

fn open(dir: &Path) -> (LaneWriter, LaneReader) {
    journal::open(&dir.join("lane"), options()).unwrap()
}

/// Appends until the lane is full; returns how many were stored.
fn fill(writer: &mut LaneWriter) -> u64 {
    let mut stored = 0;
    loop {
        match writer.append(&[b'x'; 1000]) {
            Ok(_) => stored += 1,
            Err(AppendError::Full { .. }) => return stored,
            Err(error) => panic!("{error}"),
        }
        assert!(stored < 10_000, "the volume has no end");
    }
}

#[test]
fn a_full_volume_loses_only_what_it_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_volume) = Volume::mount(dir.path(), 1 << 10) else {
        println!("the journal's own cap takes its place");
        let capped = LaneOptions {
            max_bytes: 1 << 20,
            ..options()
        };
        return run(dir.path(), &|| {
            journal::open(&dir.path().join("lane"), capped.clone()).unwrap()
        });
    };
    run(dir.path(), &|| open(dir.path()));
}

fn run(dir: &Path, open: &dyn Fn() -> (LaneWriter, LaneReader)) {
    let (mut writer, reader) = open();
    let stored = fill(&mut writer);
    assert!(stored > 300, "only {stored} records went in");
    assert!(reader.lost().full >= 1);
    let names = std::fs::read_dir(dir.join("lane"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let unfinished = names
        .filter(|name| name.to_string_lossy().ends_with(".new"))
        .count();
    assert!(
        unfinished <= 1,
        "at most the one that the thread is trying to make"
    );
    let next = writer.next_seq();
    drop((writer, reader));

    // It opens while the volume is full, seals, and knows its numbers.
    let (mut writer, mut reader) = open();
    assert_eq!(writer.next_seq(), next);
    let first = reader.next_block(1 << 20, 200).unwrap().unwrap();
    assert_eq!((first.id().first, first.count()), (1, 200));
    drop((writer, reader));
    (writer, reader) = open();
    assert_eq!(
        reader.next_block(1, 1).unwrap().unwrap(),
        first,
        "the same block after a restart"
    );
    let mut read = u64::from(first.count());
    reader.ack(first.id()).unwrap();

    // Acks made room; appends go on by themselves.
    let deadline = Instant::now() + Duration::from_secs(10);
    while writer.append(&[b'y'; 1000]).is_err() {
        assert!(Instant::now() < deadline, "appends do not resume");
        std::thread::sleep(Duration::from_millis(1));
    }
    while let Some(block) = reader.next_block(1 << 20, 1000).unwrap() {
        read += u64::from(block.count());
        reader.ack(block.id()).unwrap();
    }
    assert_eq!(read, stored + 1);
}
