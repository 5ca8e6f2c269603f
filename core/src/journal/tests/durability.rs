//! Who is told when that a record is durable, and what a failed sync does.

use futures::FutureExt;

use super::{
    harness::{open, payload},
    model::ModelFs,
    paged, small,
};
use crate::journal::{AckError, AppendError, Durability, DurableError, LaneOptions, ReadError};

fn power() -> LaneOptions {
    LaneOptions {
        durability: Durability::Power,
        ..paged()
    }
}

#[test]
fn process_durability_is_at_once() {
    let mut open = open(&ModelFs::default(), &small()).unwrap();
    let seq = open.writer.append(b"x").unwrap();
    assert!(open.writer.durable(seq).now_or_never().unwrap().is_ok());
}

#[test]
fn power_durability_waits_for_the_sync_that_covers_the_record() {
    let mut open = open(&ModelFs::default(), &power()).unwrap();
    let first = open.writer.append(b"x").unwrap();
    let mut waiting = Box::pin(open.writer.durable(first));
    assert!(waiting.as_mut().now_or_never().is_none());
    open.lane.sync().unwrap();
    let second = open.writer.append(b"y").unwrap();
    assert!(waiting.now_or_never().unwrap().is_ok());
    assert!(open.writer.durable(first).now_or_never().unwrap().is_ok());
    assert!(open.writer.durable(second).now_or_never().is_none());
}

#[test]
fn a_failed_sync_is_told_to_everyone_for_good() {
    let fs = ModelFs::default();
    let mut open = open(&fs, &power()).unwrap();
    let seq = open.writer.append(b"x").unwrap();
    let block = open.reader.next_block(1 << 20, 1).unwrap().unwrap();
    open.writer.append(b"y").unwrap();
    let waiting = open.writer.durable(seq + 1);
    fs.fail_sync_after(Some(0));
    let error = open.lane.sync().unwrap_err().to_string();
    assert!(
        error.contains("sync /journal/lane/00000000000000000001.seg"),
        "{error}"
    );

    assert!(matches!(
        waiting.now_or_never().unwrap(),
        Err(DurableError::Poisoned(_))
    ));
    assert!(
        open.writer.durable(seq).now_or_never().unwrap().is_ok(),
        "it was durable before"
    );
    // The disk works again; the lane does not.
    assert!(open.lane.sync().is_err());
    assert!(matches!(
        open.writer.append(b"z"),
        Err(AppendError::Poisoned { seq: 3, .. })
    ));
    assert!(matches!(
        open.writer.append(&[0; 9999]),
        Err(AppendError::Poisoned { seq: 4, .. })
    ));
    assert!(matches!(
        open.reader.next_block(1 << 20, 1),
        Err(ReadError::Poisoned(_))
    ));
    assert!(matches!(
        open.reader.ack(block.id()),
        Err(AckError::Poisoned(_))
    ));
    assert!(open.writer.poisoned().is_some() && open.reader.poisoned().is_some());
    assert_eq!(open.reader.lost().poisoned, 2);
    drop(open);

    let mut open = super::harness::open(&fs, &power()).unwrap();
    assert_eq!(open.writer.next_seq(), 5);
    assert_eq!(open.drain(), [(1, b"x".to_vec()), (2, b"y".to_vec())]);
}

#[test]
fn a_seal_that_can_not_be_synced_gives_no_block() {
    let fs = ModelFs::default();
    let mut open = open(&fs, &small()).unwrap();
    open.writer.append(b"x").unwrap();
    // The first sync is that of the segment.
    fs.fail_sync_after(Some(1));
    let error = open.reader.next_block(1 << 20, 1).unwrap_err().to_string();
    assert!(
        error.contains("seal a block in /journal/lane/lane"),
        "{error}"
    );
    assert!(open.writer.append(b"y").is_err());
}

#[test]
fn a_closed_lane_leaves_nobody_waiting() {
    let mut open = open(&ModelFs::default(), &power()).unwrap();
    let seq = open.writer.append(b"x").unwrap();
    let waiting = open.writer.durable(seq);
    drop(open);
    assert!(matches!(
        waiting.now_or_never().unwrap(),
        Err(DurableError::Closed { seq: 1 })
    ));
}

#[test]
fn the_thread_syncs_in_groups_for_who_waits() {
    let dir = tempfile::tempdir().unwrap();
    let options = LaneOptions {
        durability: Durability::Power,
        ..LaneOptions::default()
    };
    // Without being woken it would come after a minute.
    let options = LaneOptions {
        sync_interval: std::time::Duration::from_secs(60),
        ..options
    };
    let (mut writer, _reader) = crate::journal::open(&dir.path().join("lane"), options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        for round in 0..20 {
            let mut waiting = Vec::new();
            for place in 0..10 {
                let seq = writer.append(&payload(round * 10 + place, 300)).unwrap();
                waiting.push(writer.durable(seq));
            }
            let all = futures::future::try_join_all(waiting);
            tokio::time::timeout(std::time::Duration::from_secs(30), all)
                .await
                .unwrap()
                .unwrap();
        }
    });
}

#[test]
fn closing_syncs_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let options = LaneOptions {
        durability: Durability::Power,
        ..LaneOptions::default()
    };
    let (mut writer, reader) = crate::journal::open(&dir.path().join("lane"), options).unwrap();
    let seq = writer.append(b"x").unwrap();
    let waiting = writer.durable(seq);
    drop((writer, reader));
    assert!(waiting.now_or_never().unwrap().is_ok());
}

#[test]
fn a_sync_leaves_the_rest_of_its_page_and_nobody_takes_it_for_damage() {
    let fs = ModelFs::default();
    let mut open = open(&fs, &paged()).unwrap();
    open.writer.append(&payload(1, 100)).unwrap();
    open.lane.sync().unwrap();
    open.writer.append(&[0; 1001]).unwrap_err();
    open.writer.append(&payload(3, 100)).unwrap();
    assert_eq!(
        open.reader.backlog().bytes,
        4096 - 64 + 120,
        "the third is in the second page"
    );
    open.lane.sync().unwrap();
    drop(open);
    let mut open = super::harness::open(&fs, &paged()).unwrap();
    assert_eq!(open.drain(), [(1, payload(1, 100)), (3, payload(3, 100))]);
    assert_eq!(open.reader.lost().corrupt, 0);
}
