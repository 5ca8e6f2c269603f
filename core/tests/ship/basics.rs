//! What is journalled arrives once and in order; what does not arrive stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use whence_core::account::LaneAccount;
use whence_core::journal::Block;
use whence_core::ship::{DeliverError, Sink};

use crate::support::{Other, Running, append, lane, quick, until};

/// Never answers at all.
struct Silent;

impl Sink for Silent {
    async fn deliver(&self, _: &Block) -> Result<(), DeliverError> {
        std::future::pending().await
    }

    async fn account(&self, _: &[LaneAccount]) -> Result<(), DeliverError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn everything_arrives_once_and_in_order_through_failures() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let tries = AtomicU32::new(0);
    let other = Other::new(move |_| match tries.fetch_add(1, Relaxed) {
        0 | 1 => Err(DeliverError::Retry("busy".into())),
        _ => Ok(()),
    });
    let mut sent = append(&mut writer, 0, 1_000);
    let running = Running::start(reader, &other, quick());
    until("all arrived", || other.payloads().len() == 1_000).await;
    let offers = other.offers();
    assert_eq!(offers.len(), 3, "twice refused, then taken");
    assert!(offers.iter().all(|id| *id == offers[0]), "the same block");
    assert_eq!(running.figure("delivery_failures_total"), 2.0);
    // What is appended last is shipped by the drain.
    sent.extend(append(&mut writer, 1_000, 1_500));
    running.tell_to_stop();
    until("the rest arrived", || other.payloads().len() == 1_500).await;
    until("all is freed", || {
        running.figure("journal_backlog_records") == 0.0
    })
    .await;
    assert_eq!(running.figure("records_delivered_total"), 1500.0);
    running.stop().await;
    assert_eq!(other.payloads(), sent);
}

#[tokio::test]
async fn stopping_does_not_wait_for_the_dead_and_keeps_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let sent = {
        let (mut writer, reader) = lane(dir.path());
        let sent = append(&mut writer, 0, 100);
        let drain = Duration::from_millis(200);
        let running = Running::with_drain(reader, &Arc::new(Silent), quick(), drain);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let stopped = Instant::now();
        running.stop().await;
        let took = stopped.elapsed();
        assert!(took < Duration::from_secs(10), "{took:?}");
        sent
    };
    let (_writer, mut reader) = lane(dir.path());
    let block = reader.next_block(1 << 20, 1_000).unwrap();
    let block = block.expect("what was left");
    let left: Vec<_> = block.records().map(|(_, it)| it.to_vec()).collect();
    assert_eq!(left, sent);
}

#[tokio::test]
async fn the_oldest_that_waits_has_an_age_until_it_has_arrived() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let other = Other::new(|_| Err(DeliverError::Retry("away".into())));
    let running = Running::start(reader, &other, quick());
    let age = || running.figure("journal_oldest_unshipped_seconds");
    assert_eq!(age(), 0.0, "nothing waits");
    append(&mut writer, 0, 10);
    until("it ages", || age() > 0.5).await;
    // Figures move while a block is stuck.
    append(&mut writer, 10, 20);
    until("all wait", || {
        running.figure("journal_backlog_records") == 20.0
    })
    .await;
    assert!(age() > 0.5, "what came later is not older: {}", age());
    // A refused number behind the last record is nothing that waits.
    writer.append(&[0; 2000]).unwrap_err();
    other.answers(|_| Ok(()));
    until("all arrived", || age() == 0.0).await;
    until("the loss is counted", || {
        running.figure("journal_lost_total{reason=\"too_large\"}") == 1.0
    })
    .await;
    assert_eq!(running.figure("journal_lost_total{reason=\"full\"}"), 0.0);
    running.stop().await;
}
