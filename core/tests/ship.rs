//! The shipper over a real journal: everything arrives in order, whatever the other side does.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whence_core::journal::{self, Block, LaneOptions, LaneReader, LaneWriter};
use whence_core::ship::{self, DeliverError, ShipMetrics, Sink};

/// Takes blocks after a number of failures, and remembers what it was offered.
#[derive(Default)]
struct Other {
    failures: Mutex<Vec<DeliverError>>,
    offered: Mutex<Vec<String>>,
    taken: Mutex<Vec<Vec<u8>>>,
}

impl Sink for Other {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        self.offered.lock().unwrap().push(block.id().to_string());
        if let Some(failure) = self.failures.lock().unwrap().pop() {
            return Err(failure);
        }
        let records = block.records().map(|(_, payload)| payload.to_vec());
        self.taken.lock().unwrap().extend(records);
        Ok(())
    }
}

/// Never answers at all.
struct Silent;

impl Sink for Silent {
    async fn deliver(&self, _: &Block) -> Result<(), DeliverError> {
        std::future::pending().await
    }
}

fn lane(dir: &Path) -> (LaneWriter, LaneReader) {
    let options = LaneOptions {
        segment_bytes: 1 << 20,
        ..LaneOptions::default()
    };
    journal::open(&dir.join("lane"), options).unwrap()
}

fn append(writer: &mut LaneWriter, from: u64, to: u64) -> Vec<Vec<u8>> {
    let payloads: Vec<_> = (from..to).map(|n| n.to_le_bytes().to_vec()).collect();
    for payload in &payloads {
        writer.append(payload).unwrap();
    }
    payloads
}

#[tokio::test]
async fn everything_arrives_once_and_in_order_through_failures() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let failures = vec![
        DeliverError::Retry("busy".into()),
        DeliverError::Retry("away".into()),
    ];
    let other = Arc::new(Other {
        failures: failures.into(),
        ..Other::default()
    });
    let mut registry = Registry::default();
    let metrics = ShipMetrics::register(&mut registry);
    let stop = CancellationToken::new();
    let mut sent = append(&mut writer, 0, 1_000);
    let running = tokio::spawn(ship::run(
        reader,
        Arc::clone(&other),
        metrics,
        stop.clone(),
        Duration::from_secs(5),
    ));
    while other.taken.lock().unwrap().len() < sent.len() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    {
        let offered = other.offered.lock().unwrap();
        assert_eq!(offered.len(), 3, "twice refused, then taken");
        assert!(
            offered.iter().all(|id| *id == offered[0]),
            "the same block: {offered:?}"
        );
    }
    // What is appended last is shipped by the drain.
    sent.extend(append(&mut writer, 1_000, 1_500));
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(*other.taken.lock().unwrap(), sent);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "records_delivered_total 1500",
        "delivery_failures_total 2",
        "journal_backlog_records 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_the_dead_and_keeps_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let sent = {
        let (mut writer, reader) = lane(dir.path());
        let sent = append(&mut writer, 0, 100);
        let stop = CancellationToken::new();
        let drain = Duration::from_millis(200);
        let running = tokio::spawn(ship::run(
            reader,
            Arc::new(Silent),
            ShipMetrics::default(),
            stop.clone(),
            drain,
        ));
        tokio::time::sleep(Duration::from_millis(700)).await;
        stop.cancel();
        let stopped = Instant::now();
        tokio::time::timeout(Duration::from_secs(20), running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert!(
            stopped.elapsed() < Duration::from_secs(10),
            "{:?}",
            stopped.elapsed()
        );
        sent
    };
    let (_writer, mut reader) = lane(dir.path());
    let block = reader
        .next_block(1 << 20, 1_000)
        .unwrap()
        .expect("what was left");
    let left: Vec<_> = block
        .records()
        .map(|(_, payload)| payload.to_vec())
        .collect();
    assert_eq!(left, sent);
}

#[tokio::test]
async fn a_refused_block_stays_and_is_offered_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let failures = vec![DeliverError::Refused("no such version".into())];
    let other = Arc::new(Other {
        failures: failures.into(),
        ..Other::default()
    });
    let sent = append(&mut writer, 0, 10);
    let stop = CancellationToken::new();
    let running = tokio::spawn(ship::run(
        reader,
        Arc::clone(&other),
        ShipMetrics::default(),
        stop.clone(),
        Duration::from_secs(30),
    ));
    while other.offered.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(*other.taken.lock().unwrap(), sent);
}
