//! Several collectors before one ClickHouse: a block counts once, whoever gets it, when, and how often, and whoever
//! dies over it.

use std::time::Duration;

use whence_core::test_support::Engine;

use crate::support::{Collector, Lane, assert_rollups, number, send_to_the_dying, wait_for};

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

/// Inserts fail before anything of them is committed, or when the table has them and its view does not. ClickHouse's own
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
    for (table, one_in, told) in [("clicks", 100, "before"), ("click_hours", 4, "after")] {
        let fail = format!(
            "ALTER TABLE {table} ADD CONSTRAINT fails CHECK throwIf(rand() % {one_in} = 0, 'failed {told}') = 0"
        );
        client.query(&fail).execute().await.unwrap();
    }
    let mut lane = Lane::new();
    let (mut before, mut after) = (0, 0);
    for _ in 0..BLOCKS {
        let wire = lane.block_of(CLICKS).wire().clone();
        for attempt in 0.. {
            assert!(attempt < 100, "no luck a hundred times");
            let got = collectors[attempt % 2].block(wire.clone()).await;
            match got.status.as_u16() {
                200 => break,
                503 if got.body.contains("failed before") => before += 1,
                503 if got.body.contains("failed after") => after += 1,
                _ => panic!("{got:?}"),
            }
        }
    }
    assert!(before > 10 && after > 10, "{before} before, {after} after");
    for count in ["count()", "uniqExact(lane, seq)", "max(seq)"] {
        let found = number(&client, &format!("SELECT {count} FROM clicks")).await;
        assert_eq!(found, BLOCKS * CLICKS, "{count}");
    }
    assert_rollups(&client).await;
}
