//! What ClickHouse will never take is refused for good, with its reason; whatever passes is only put off.

use whence_core::click::Click;
use whence_core::test_support::Engine;

use crate::support::{Collector, Lane, assert_rollups, click, number};

const COUNT: &str = "SELECT count() FROM clicks";

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_violates_a_constraint_is_refused_until_the_constraint_goes() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let alter = async |change: &str| client.query(change).execute().await.unwrap();
    alter("ALTER TABLE clicks ADD CONSTRAINT no_poison CHECK slug != 'poison'").await;
    let mut lane = Lane::new();
    lane.append(&click());
    lane.append(&click());
    // A number without a row: what ClickHouse counts are rows, what we tell are numbers.
    lane.writer.append(&[2, 0xff, 0xff, 0xff]).unwrap();
    let at_fault = lane.append(&Click {
        slug: "poison".into(),
        ..click()
    });
    lane.append(&click());
    let poisoned = lane.seal();
    let good = lane.block_of(10);

    for _ in 0..2 {
        let got = collector.block(poisoned.wire().clone()).await;
        assert_eq!(got.status, 422, "{got:?}");
        assert_eq!(got.header("content-type"), "application/problem+json");
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("no_poison"), "{detail}");
        let blames = format!("for record {at_fault}:");
        assert!(detail.contains(&blames), "{blames} {detail}");
    }
    assert_eq!(collector.block(good.wire().clone()).await.status, 200);
    assert_eq!(number(&client, COUNT).await, 10, "nothing of the other");

    alter("ALTER TABLE clicks DROP CONSTRAINT no_poison").await;
    for block in [&poisoned, &poisoned, &good] {
        assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    }
    assert_eq!(number(&client, COUNT).await, 14);
    assert_rollups(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_too_many_months_is_refused() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    for month in 0..101 {
        lane.append(&Click {
            unix_ms: 1_000_000_000_000 + month * 31 * 86_400_000,
            ..click()
        });
    }
    let got = collector.block(lane.seal().wire().clone()).await;
    assert_eq!(got.status, 422, "{got:?}");
    assert!(got.body.contains("single INSERT block"), "{got:?}");
    assert_eq!(number(&engine.client(), COUNT).await, 0);
}

/// What an operator mends, or what passes, must not set blocks aside.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_can_mend_is_put_off() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let mut lane = Lane::new();
    assert_eq!(
        collector
            .block(lane.block_of(3).wire().clone())
            .await
            .status,
        200
    );
    let block = lane.block_of(3);
    for (breaks, mends) in [
        (
            "RENAME TABLE clicks TO elsewhere",
            "RENAME TABLE elsewhere TO clicks",
        ),
        (
            "ALTER TABLE clicks RENAME COLUMN tags TO labels",
            "ALTER TABLE clicks RENAME COLUMN labels TO tags",
        ),
        (
            "ALTER TABLE clicks MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1",
            "ALTER TABLE clicks RESET SETTING parts_to_throw_insert, parts_to_delay_insert",
        ),
    ] {
        client.query(breaks).execute().await.unwrap();
        let got = collector.block(block.wire().clone()).await;
        assert_eq!(got.status, 503, "{breaks}: {got:?}");
        client.query(mends).execute().await.unwrap();
    }
    assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    assert_eq!(number(&client, COUNT).await, 6);
}
