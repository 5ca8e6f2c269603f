//! A lane without room: it refuses, counts, stays readable, and goes on by itself.

use super::{
    harness::{Open, open, payload},
    model::ModelFs,
    small,
};
use crate::journal::{AppendError, LaneOptions, control};

/// Fills the lane; returns how many records went in.
fn fill(open: &mut Open) -> u64 {
    for stamp in 1.. {
        match open.writer.append(&payload(stamp, 1000)) {
            Ok(_) => open.keeper.prepare(),
            Err(AppendError::Full { seq }) => {
                assert_eq!(seq, stamp);
                return stamp - 1;
            }
            Err(error) => panic!("{error}"),
        };
    }
    unreachable!("a lane has an end")
}

fn ack_one(open: &mut Open, records: u32) -> u64 {
    let block = open.reader.next_block(1 << 20, records).unwrap().unwrap();
    open.reader.ack(block.id()).unwrap();
    block.count().into()
}

#[test]
fn the_cap_holds_and_acks_make_room() {
    let fs = ModelFs::default();
    let mut open = open(&fs, &small()).unwrap();
    // Three records to a segment, four segments.
    assert_eq!(fill(&mut open), 12);
    let refused = fs.steps();
    for _ in 0..100 {
        open.writer.append(&[0; 1000]).unwrap_err();
    }
    assert_eq!(fs.steps(), refused, "refusing costs no system call");
    assert_eq!(open.reader.lost().full, 101);
    assert_eq!(ack_one(&mut open, 2), 2);
    open.writer.append(&[0; 1000]).unwrap_err();
    assert_eq!(ack_one(&mut open, 1), 1);
    let next = open.writer.next_seq();
    assert_eq!(next, 12 + 102 + 1);
    assert_eq!(open.writer.append(&payload(9, 1000)).unwrap(), next);
    let read = open.drain();
    assert_eq!(read.len(), 10);
    assert_eq!(read[9], (next, payload(9, 1000)));
}

#[test]
fn a_small_record_still_finds_the_last_room() {
    let mut open = open(&ModelFs::default(), &small()).unwrap();
    assert_eq!(fill(&mut open), 12);
    open.writer.append(b"small").unwrap();
}

#[test]
fn a_full_disk_is_a_full_lane_until_there_is_room() {
    let fs = ModelFs::default();
    let options = LaneOptions {
        max_bytes: 1 << 20,
        ..small()
    };
    let mut open = super::harness::open(&fs, &options).unwrap();
    fs.set_capacity(Some(4 * 4096 + 4096 + 2 * control::HALF_BYTES as u64));
    assert_eq!(fill(&mut open), 12);
    assert!(
        !fs.names().iter().any(|name| name.ends_with(".new")),
        "no file is left half made"
    );
    // The keeper tries again, and the disk is still full.
    open.keeper.prepare();
    open.writer.append(&[0; 1000]).unwrap_err();

    // It opens and reads while the disk is full.
    drop(open);
    let mut open = super::harness::open(&fs, &options).unwrap();
    assert!(matches!(
        open.writer.append(&[0; 1000]),
        Err(AppendError::Full { seq: 15 })
    ));
    assert_eq!(ack_one(&mut open, 3), 3);
    assert_eq!(open.writer.append(&payload(16, 1000)).unwrap(), 16);

    // Room that someone else made is found by the keeper.
    for _ in 0..2 {
        open.writer.append(&[0; 1000]).unwrap();
    }
    open.writer.append(&[0; 1000]).unwrap_err();
    fs.set_capacity(None);
    open.writer.append(&[0; 1000]).unwrap_err();
    open.keeper.prepare();
    open.writer.append(&[0; 1000]).unwrap();
    assert_eq!(open.drain().len(), 9 + 4);
}

#[test]
fn a_new_lane_on_a_full_disk_is_refused_and_an_old_one_opens_without_a_segment() {
    let fs = ModelFs::default();
    fs.set_capacity(Some(1000));
    let error = open(&fs, &small()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("create /journal/lane/lane"), "{error}");

    fs.set_capacity(Some(4096 + 2 * control::HALF_BYTES as u64));
    let mut open = open(&fs, &small()).unwrap();
    open.writer.append(b"x").unwrap_err();
    fs.set_capacity(None);
    open.keeper.prepare();
    assert_eq!(open.writer.append(b"y").unwrap(), 2);
    assert_eq!(open.drain(), [(2, b"y".to_vec())]);
}

#[test]
fn the_writer_makes_its_segment_when_the_keeper_was_not_there() {
    let mut open = open(&ModelFs::default(), &small()).unwrap();
    for stamp in 0..12 {
        open.writer.append(&payload(stamp, 1000)).unwrap();
    }
    // Two of the four were there after the start.
    assert_eq!(open.reader.slow_rollovers(), 2);
}
