//! A process without a file descriptor to spare: its lanes wait for one, and lose neither what they hold nor
//! their soundness. Alone in its file, since the limit is the whole process's.
#![allow(clippy::unwrap_used)] // As in every test; the lint does not see that a helper belongs to one.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit, setrlimit};
use whence_core::journal::{self, AppendError, LaneOptions, LaneWriter};

/// Appends until there is no room; returns how many were stored.
fn fill(writer: &mut LaneWriter) -> u64 {
    for stored in 0..10_000 {
        match writer.append(&[b'x'; 1000]) {
            Ok(_) => {}
            Err(AppendError::Full { .. }) => return stored,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("there are descriptors left");
}

#[test]
fn a_lane_outlives_a_dearth_of_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let options = LaneOptions {
        segment_bytes: 128 << 10,
        max_bytes: 64 << 20,
        sync_interval: Duration::from_millis(5),
        ..LaneOptions::default()
    };
    let (mut writer, mut reader) = journal::open(&dir.path().join("lane"), options).unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }

    let stored = fill(&mut writer);
    // Enough for a segment to be made, and for nothing after it.
    hoard.pop();
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = writer.append(&[b'y'; 1000]) {
        assert!(matches!(error, AppendError::Full { .. }), "{error}");
        assert!(Instant::now() < deadline, "appends do not resume");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut read = 0;
    while let Some(block) = reader.next_block(1 << 20, 1000).unwrap() {
        read += u64::from(block.count());
        reader.ack(block.id()).unwrap();
    }
    assert_eq!(read, stored + 1);
}
