//! `kill -9` of the collector and of the engine while blocks and conversions are under way.

use std::time::Duration;

use whence_core::test_support::Engine;

use crate::support::{Collector, Lane, assert_rollups, number, send_to_the_dying, wait_for};

/// Blocks, and for each how long after it was sent somebody dies, in milliseconds: from before it
/// arrives to after it is answered.
const DELAYS: [u64; 11] = [0, 2, 5, 10, 15, 25, 40, 60, 90, 150, 400];
const CLICKS: u64 = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn a_block_counts_once_although_the_collector_dies_under_it() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    for delay in DELAYS {
        let wire = lane.block_of(CLICKS).wire().clone();
        let sent = tokio::spawn(send_to_the_dying(collector.address, wire.clone()));
        tokio::time::sleep(Duration::from_millis(delay)).await;
        collector.kill();
        sent.await.unwrap();
        collector.launch().await;
        let got = collector.block(wire).await;
        assert_eq!(got.status, 200, "{got:?}");
    }
    assert_each_click_once(&engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_counts_once_although_the_engine_dies_under_it() {
    let mut engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    for delay in DELAYS {
        let wire = lane.block_of(CLICKS).wire().clone();
        let sent = tokio::spawn(send_to_the_dying(collector.address, wire.clone()));
        tokio::time::sleep(Duration::from_millis(delay)).await;
        engine.kill();
        sent.await.unwrap();
        engine.start_again();
        let got = collector.block(wire).await;
        assert_eq!(got.status, 200, "{got:?}");
    }
    assert_each_click_once(&engine).await;
}

/// An answered conversion is stored and keeps its answer, whoever dies.
#[tokio::test(flavor = "multi_thread")]
async fn an_answered_conversion_outlives_the_collector() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let mut answers = Vec::new();
    for round in 0..5 {
        for number in 0..20 {
            let body = format!(r#"{{"event_id":"{round}-{number}","kind":"lead"}}"#);
            let got = collector.convert(&body).await;
            assert_eq!(got.status, 200, "{got:?}");
            answers.push((body, got.body));
        }
        // Before, while and after what was accepted is shipped.
        tokio::time::sleep(Duration::from_millis(round * 200)).await;
        collector.kill();
        collector.launch().await;
        for (body, first) in &answers {
            let got = collector.convert(body).await;
            assert_eq!(
                (got.status.as_u16(), got.header("idempotent-replayed")),
                (200, "true")
            );
            assert_eq!(&got.body, first);
        }
    }
    let client = engine.client();
    // Numbers, since the row of a conversion may lie there twice where the collector died between the two.
    wait_for(&client, "SELECT count() FROM conversion_numbers", 100).await;
    let each = "SELECT uniqExact(lane, seq) FROM conversion_numbers";
    assert_eq!(number(&client, each).await, 100);
    let stored = "SELECT count() FROM conversions FINAL";
    assert_eq!(number(&client, stored).await, 100);
}

async fn assert_each_click_once(engine: &Engine) {
    let client = engine.client();
    let expected = DELAYS.len() as u64 * CLICKS;
    assert_eq!(
        number(&client, "SELECT count() FROM clicks").await,
        expected
    );
    assert_eq!(
        number(&client, "SELECT uniqExact(lane, seq) FROM clicks").await,
        expected
    );
    let gaps = "SELECT max(seq) - min(seq) + 1 - count() FROM clicks";
    assert_eq!(client.query(gaps).fetch_one::<i64>().await.unwrap(), 0);
    assert_rollups(&client).await;
}
