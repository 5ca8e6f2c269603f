//! Several collectors before one ClickHouse: a block counts once, whoever gets it, when, and how often, and whoever
//! dies over it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource};
use whence_core::journal::{self, Block, LaneOptions};
use whence_core::test_support::Engine;
use whence_core::wire;

use crate::support::{
    Collector, Lane, PATIENCE, acme, assert_rollups, number, send_to_the_dying, wait_for,
};

const CLICKS: u64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_block_counts_once_in_a_fleet() {
    let engine = Engine::migrated().await;
    let config = engine.config();
    let [mut a, mut b] = [
        Collector::start(&config).await,
        Collector::start(&config).await,
    ];
    let client = engine.client();
    let mut lane = Lane::new();
    let mut blocks = 0;

    // At the same moment.
    for _ in 0..10 {
        let wire = lane.block_of(CLICKS).wire().clone();
        blocks += 1;
        let both = [a.block(wire.clone()), b.block(wire)];
        for got in futures::future::join_all(both).await {
            assert_eq!(got.status, 200, "{got:?}");
        }
    }
    // One after the other, in both orders; the one that dies over it first or last.
    for delay in [None, Some(0), Some(5), Some(20), Some(60), Some(150)] {
        for _ in 0..2 {
            std::mem::swap(&mut a, &mut b);
            let wire = lane.block_of(CLICKS).wire().clone();
            blocks += 1;
            if let Some(delay) = delay {
                let sent = tokio::spawn(send_to_the_dying(a.address, wire.clone()));
                tokio::time::sleep(Duration::from_millis(delay)).await;
                a.kill();
                sent.await.unwrap();
            } else {
                assert_eq!(a.block(wire.clone()).await.status, 200);
            }
            assert_eq!(b.block(wire.clone()).await.status, 200);
            if delay.is_some() {
                a.launch().await;
            }
            assert_eq!(a.block(wire).await.status, 200);
        }
    }
    // One dies while the other has it too.
    for delay in [0, 10, 40, 100] {
        let wire = lane.block_of(CLICKS).wire().clone();
        blocks += 1;
        let sent = tokio::spawn(send_to_the_dying(a.address, wire.clone()));
        let (got, ()) = tokio::join!(b.block(wire.clone()), async {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            a.kill();
        });
        assert_eq!(got.status, 200, "{got:?}");
        sent.await.unwrap();
        a.launch().await;
        assert_eq!(a.block(wire).await.status, 200);
    }
    for count in ["count()", "uniqExact(lane, seq)", "max(seq)"] {
        let found = number(&client, &format!("SELECT {count} FROM clicks")).await;
        assert_eq!(found, blocks * CLICKS, "{count}");
    }
    assert_rollups(&client).await;
}

/// Each collector ships its own lane; an event that both accepted has two numbers and counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_counts_once_in_a_fleet() {
    let mut engine = Engine::migrated().await;
    let config = engine.config();
    let mut collectors = [
        Collector::start(&config).await,
        Collector::start(&config).await,
    ];
    let client = engine.client();
    for event in 0..60 {
        let body =
            format!(r#"{{"event_id":"{event}","kind":"sale","amount":{event},"currency":"EUR"}}"#);
        let both = collectors.each_ref().map(|one| one.convert(&body));
        for got in futures::future::join_all(both).await {
            assert_eq!(got.status, 200, "{got:?}");
        }
        match event {
            15 => collectors[0].kill(),
            30 => engine.kill(),
            45 => collectors[1].kill(),
            _ => {}
        }
        if event == 30 {
            engine.start_again();
        }
        for one in &mut collectors {
            one.launch_if_dead().await;
        }
    }
    let events = "SELECT uniqExact(event_id) FROM conversions";
    wait_for(&client, events, 60).await;
    // Some were known from ClickHouse when they came to the second, all others have a number in both lanes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let twice = "SELECT toUInt64(count() - uniqExact(lane, seq)) FROM conversion_numbers";
    assert_eq!(number(&client, twice).await, 0);
    let missing = "SELECT toUInt64(sum(missing)) FROM
        (SELECT max(seq) - count() AS missing FROM conversion_numbers GROUP BY lane)";
    assert_eq!(number(&client, missing).await, 0);
    let sum = "SELECT toUInt64(sum(amount_minor)) FROM conversions FINAL";
    assert_eq!(number(&client, sum).await, (0..60).sum::<u64>());
}

/// A journal comes back from a copy when ClickHouse has long forgotten its blocks' tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_block_of_conversions_counts_once_even_if_its_token_is_forgotten() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    collector.kill();
    let lane = collector.folder().join("journal/ingest/conversions");
    let (mut writer, reader) = journal::open(&lane, LaneOptions::default()).unwrap();
    for event in 0..5 {
        let mut payload = Vec::new();
        wire::encode(&old_conversion(event), &mut payload);
        writer.append(&payload).unwrap();
    }
    drop((writer, reader));
    let copy = collector.folder().join("copy");
    let copy_all = |from: &Path, to: &Path| {
        let status = Command::new("cp").arg("-aT").args([from, to]).status();
        assert!(status.unwrap().success());
    };
    copy_all(&lane, &copy);
    collector.launch().await;
    wait_for(&client, "SELECT count() FROM conversion_numbers", 5).await;
    for table in ["conversions", "conversion_numbers"] {
        let forget =
            format!("ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 1");
        client.query(&forget).execute().await.unwrap();
    }
    let got = collector
        .convert(r#"{"event_id":"other","kind":"lead"}"#)
        .await;
    assert_eq!(got.status, 200, "{got:?}");
    wait_for(&client, "SELECT count() FROM conversion_numbers", 6).await;

    collector.kill();
    std::fs::remove_dir_all(&lane).unwrap();
    copy_all(&copy, &lane);
    collector.launch().await;
    let started = Instant::now();
    while collector
        .metric("whence_ingest_records_delivered_total")
        .await
        < 5.0
    {
        assert!(started.elapsed() < PATIENCE, "not delivered again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for table in ["conversions", "conversion_numbers"] {
        let count = format!("SELECT count() FROM {table}");
        assert_eq!(number(&client, &count).await, 6, "{table}");
    }
}

/// A conversion of two minutes ago.
fn old_conversion(event: u32) -> Conversion {
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
    Conversion {
        workspace: acme(),
        event_id: event.to_string(),
        kind: ConversionKind::Lead,
        name: String::new(),
        click: None,
        visitor: None,
        customer: String::new(),
        amount: None,
        occurred_ms: now - 120_000,
        received_ms: now - 120_000,
        source: ConversionSource::Server,
        body_digest: 7,
        reference: String::new(),
    }
}

/// Inserts fail before anything of them is committed, or when the table has them and a view fails. ClickHouse's own
/// settings for this (`fault_probability_before_part_commit`) do nothing to tables that are not replicated.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_counts_once_although_inserts_fail() {
    const BLOCKS: u64 = 200;
    const CLICKS: u64 = 20;
    let engine = Engine::migrated().await;
    let config = engine.config();
    let collectors = [
        Collector::start(&config).await,
        Collector::start(&config).await,
    ];
    let client = engine.client();
    for fail in [
        "ALTER TABLE clicks ADD CONSTRAINT fails CHECK throwIf(rand() % 100 = 0, 'failed before') = 0",
        "CREATE MATERIALIZED VIEW fails ENGINE = Null AS
         SELECT throwIf(randConstant() % 4 = 0, 'failed after') AS told FROM clicks",
    ] {
        client.query(fail).execute().await.unwrap();
    }
    let mut lane = Lane::new();
    let blocks: Vec<_> = (0..BLOCKS).map(|_| lane.block_of(CLICKS)).collect();
    // How often a block failed before and after.
    let send = async |block: &Block| {
        let (mut before, mut after) = (0, 0);
        for attempt in 0..100 {
            let got = collectors[attempt % 2].block(block.wire().clone()).await;
            match got.status.as_u16() {
                200 => return (before, after),
                503 if got.body.contains("failed before") => before += 1,
                503 if got.body.contains("failed after") => after += 1,
                _ => panic!("{got:?}"),
            }
        }
        panic!("no luck a hundred times");
    };
    let (mut before, mut after) = (0, 0);
    for several in blocks.chunks(4) {
        let failed = futures::future::join_all(several.iter().map(send)).await;
        before += failed.iter().map(|(before, _)| before).sum::<u32>();
        after += failed.iter().map(|(_, after)| after).sum::<u32>();
    }
    assert!(before > 10 && after > 10, "{before} before, {after} after");
    for count in ["count()", "uniqExact(lane, seq)", "max(seq)"] {
        let found = number(&client, &format!("SELECT {count} FROM clicks")).await;
        assert_eq!(found, BLOCKS * CLICKS, "{count}");
    }
    assert_rollups(&client).await;
}
