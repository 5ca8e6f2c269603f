//! What a collector holds in memory is bounded, however long ClickHouse hangs.

use std::time::Duration;

use jiff::Timestamp;
use whence_core::click::Click;
use whence_core::test_support::Engine;

use crate::support::{Collector, Lane, click, number};

/// Four blocks at a time, 40 MiB each as shippers seal them.
const BOUND_KIB: u64 = (4 * 40) << 10;
const SENDERS: usize = 32;
const CLICKS: u64 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn blocks_take_bounded_memory_while_clickhouse_hangs() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    // What is loaded once, at the first block, is no block's.
    assert_eq!(
        collector
            .block(lane.block_of(1).wire().clone())
            .await
            .status,
        200
    );
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
    for _ in 0..CLICKS {
        lane.append(&Click {
            unix_ms: now,
            query: "q=".repeat(100).into(),
            ..click()
        });
    }
    let block = lane.seal();
    assert!(block.wire().len() > 7 << 20, "as large as shippers seal");

    engine.pause();
    let before = collector.memory_kib("VmRSS");
    let sends = (0..SENDERS).map(|_| collector.block(block.wire().clone()));
    let (answers, ()) = tokio::join!(futures::future::join_all(sends), async {
        // Longer than any may wait for its turn.
        tokio::time::sleep(Duration::from_secs(8)).await;
        engine.resume();
    });
    let grown = collector.memory_kib("VmHWM") - before;
    assert!(grown < BOUND_KIB, "{grown} KiB");
    let stored = answers.iter().filter(|got| got.status == 200).count();
    assert_eq!(stored, 4, "those that had a turn");
    for got in answers.iter().filter(|got| got.status != 200) {
        assert_eq!(
            (got.status.as_u16(), got.header("retry-after")),
            (503, "1"),
            "{got:?}"
        );
        assert!(got.body.contains("under way"), "{got:?}");
    }
    let count = "SELECT count() FROM clicks";
    let stored = u64::from(block.count()) + 1;
    assert_eq!(number(&engine.client(), count).await, stored);
}
