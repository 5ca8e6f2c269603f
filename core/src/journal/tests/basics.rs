//! The ends of a lane, one rule each.

use std::{path::Path, sync::Arc};

use super::{
    harness::{DIR, Open, open, payload},
    model::ModelFs,
    small,
};
use crate::journal::{
    AckError, AppendError, Block, BlockId, LaneOptions, OpenError, ReadError, disk::Disk,
    ledger::MAX_UNACKED, recovery,
};

fn fresh() -> (ModelFs, Open) {
    let fs = ModelFs::default();
    let open = open(&fs, &small()).unwrap();
    (fs, open)
}

fn take(open: &mut Open, max_bytes: usize, max_records: u32) -> Block {
    open.reader
        .next_block(max_bytes, max_records)
        .unwrap()
        .expect("there is a block")
}

#[test]
fn numbers_start_at_one_and_payloads_come_back() {
    let (_, mut open) = fresh();
    assert_eq!(open.writer.append(b"one").unwrap(), 1);
    assert_eq!(open.writer.append(b"").unwrap(), 2);
    let block = take(&mut open, 1 << 20, 10);
    assert_eq!(
        block.id(),
        BlockId {
            lane: open.writer.lane(),
            first: 1,
            last: 2
        }
    );
    assert_eq!(
        block.records().collect::<Vec<_>>(),
        [(1, &b"one"[..]), (2, &b""[..])]
    );
    assert!(open.reader.next_block(1 << 20, 10).unwrap().is_none());
}

#[test]
fn a_block_keeps_its_bounds_and_always_makes_progress() {
    let (_, mut open) = fresh();
    for stamp in 0..7 {
        open.writer.append(&payload(stamp, 100)).unwrap();
    }
    assert_eq!(take(&mut open, 1 << 20, 2).count(), 2);
    // A header of 48, two frames of 120, and no third.
    let block = take(&mut open, 48 + 3 * 120 - 1, 10);
    assert_eq!((block.count(), block.wire().len()), (2, 48 + 2 * 120));
    assert_eq!(take(&mut open, 0, 0).count(), 1);
    assert_eq!(take(&mut open, 1 << 20, 10).count(), 2);
}

#[test]
fn a_too_large_record_is_refused_alone() {
    let (_, mut open) = fresh();
    open.writer.append(b"before").unwrap();
    let error = open.writer.append(&[7; 1001]).unwrap_err();
    assert!(
        matches!(
            error,
            AppendError::TooLarge {
                seq: 2,
                bytes: 1001,
                limit: 1000
            }
        ),
        "{error}"
    );
    assert_eq!(open.writer.append(&[7; 1000]).unwrap(), 3);
    let block = take(&mut open, 1 << 20, 10);
    assert_eq!((block.id().first, block.id().last), (1, 3));
    assert_eq!(
        block.records().map(|(seq, _)| seq).collect::<Vec<_>>(),
        [1, 3]
    );
    assert_eq!(open.reader.lost().too_large, 1);
}

#[test]
fn refused_numbers_at_the_end_survive_a_restart() {
    let (fs, mut open) = fresh();
    open.writer.append(b"x").unwrap();
    for _ in 0..3 {
        open.writer.append(&[0; 2000]).unwrap_err();
    }
    drop(open);
    let open = super::harness::open(&fs, &small()).unwrap();
    assert_eq!(open.writer.next_seq(), 5);
}

#[test]
fn acks_come_in_order_and_once() {
    let (_, mut open) = fresh();
    for stamp in 0..3 {
        open.writer.append(&payload(stamp, 10)).unwrap();
    }
    let blocks: Vec<Block> = (0..3).map(|_| take(&mut open, 1 << 20, 1)).collect();
    let refused = |result| matches!(result, Err(AckError::NotOldest { .. }));
    assert!(refused(open.reader.ack(blocks[1].id())));
    open.reader.ack(blocks[0].id()).unwrap();
    assert!(refused(open.reader.ack(blocks[0].id())));
    open.reader.ack(blocks[1].id()).unwrap();
    open.reader.rewind();
    assert_eq!(take(&mut open, 1 << 20, 9), blocks[2]);
}

#[test]
fn blocks_that_wait_are_bounded() {
    let fs = ModelFs::default();
    let mut open = open(
        &fs,
        &LaneOptions {
            segment_bytes: 1 << 20,
            max_bytes: 2 << 20,
            ..small()
        },
    )
    .unwrap();
    for stamp in 0..=MAX_UNACKED as u64 {
        open.writer.append(&payload(stamp, 8)).unwrap();
    }
    let first = take(&mut open, 0, 1);
    for _ in 1..MAX_UNACKED {
        take(&mut open, 0, 1);
    }
    let error = open.reader.next_block(0, 1).unwrap_err();
    assert!(matches!(
        error,
        ReadError::TooManyUnacked { limit: MAX_UNACKED }
    ));
    open.reader.ack(first.id()).unwrap();
    assert_eq!(take(&mut open, 0, 1).id().last, MAX_UNACKED as u64 + 1);
}

#[test]
fn a_backlog_is_told_in_records_bytes_and_age() {
    let (_, mut open) = fresh();
    assert_eq!(open.reader.backlog().records, 0);
    for stamp in 0..4 {
        open.writer.append(&payload(stamp, 100)).unwrap();
    }
    let backlog = open.reader.backlog();
    assert_eq!(
        (backlog.records, backlog.bytes, backlog.oldest_sealed),
        (4, 480, None)
    );
    let block = take(&mut open, 1 << 20, 3);
    assert!(open.reader.backlog().oldest_sealed.is_some());
    open.reader.ack(block.id()).unwrap();
    let backlog = open.reader.backlog();
    assert_eq!(
        (backlog.records, backlog.bytes, backlog.oldest_sealed),
        (1, 120, None)
    );
}

#[test]
fn a_lane_is_opened_once() {
    let (fs, open) = fresh();
    let error = super::harness::open(&fs, &small()).map(|_| ()).unwrap_err();
    assert!(
        matches!(&error, OpenError::Locked { dir } if dir == Path::new(DIR)),
        "{error}"
    );
    drop(open);
    super::harness::open(&fs, &small()).unwrap();
}

#[test]
fn segments_go_when_they_are_acked_and_not_before() {
    let (fs, mut open) = fresh();
    for stamp in 0..6 {
        open.writer.append(&payload(stamp, 1000)).unwrap();
    }
    // Three records fill a segment; two segments are full and the third is the spare.
    let segments = |fs: &ModelFs| {
        fs.names()
            .iter()
            .filter(|name| name.ends_with(".seg"))
            .count()
    };
    open.keeper.prepare();
    assert_eq!(segments(&fs), 3);
    let block = take(&mut open, 1 << 20, 2);
    open.reader.ack(block.id()).unwrap();
    assert_eq!(segments(&fs), 3);
    let block = take(&mut open, 1 << 20, 1);
    open.reader.ack(block.id()).unwrap();
    assert_eq!(segments(&fs), 2);
}

#[test]
fn another_size_of_segments_is_taken_from_the_next_one_on() {
    let (fs, mut open) = fresh();
    open.writer.append(&payload(1, 900)).unwrap();
    drop(open);
    let larger = LaneOptions {
        segment_bytes: 16384,
        max_bytes: 65536,
        max_record_bytes: 9000,
        ..small()
    };
    let mut open = super::harness::open(&fs, &larger).unwrap();
    // Neither the old segment nor its spare has room for it.
    open.writer.append(&payload(2, 9000)).unwrap();
    open.writer.append(&payload(3, 10)).unwrap();
    let expected: Vec<_> = [(1, 900), (2, 9000), (3, 10)]
        .map(|(seq, bytes)| (seq, payload(seq, bytes)))
        .into();
    assert_eq!(open.drain(), expected);
}

#[test]
fn the_model_and_the_disk_agree() {
    let dir = tempfile::tempdir().unwrap();
    let model = ModelFs::default();
    for round in 0..3 {
        let recovered = recovery::open(Arc::new(Disk), &dir.path().join("lane"), small()).unwrap();
        let mut real = Open::from(recovered);
        let mut model = open(&model, &small()).unwrap();
        for stamp in round * 10..round * 10 + 8 {
            let payload = payload(stamp, 90 * (stamp as usize % 12));
            let (one, other) = (real.writer.append(&payload), model.writer.append(&payload));
            assert_eq!(one.is_ok(), other.is_ok());
        }
        let (one, other) = (take(&mut real, 2000, 5), take(&mut model, 2000, 5));
        assert_eq!(
            (one.id().first, one.id().last),
            (other.id().first, other.id().last)
        );
        assert!(one.records().eq(other.records()));
        real.reader.ack(one.id()).unwrap();
        model.reader.ack(other.id()).unwrap();
    }
}
