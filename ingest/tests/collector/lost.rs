//! ClickHouse remembers the token of a block and has lost its part: as it starts again when it was killed between the
//! two. The state is forged: the part is taken from the disk while ClickHouse is down, its note of the token stays.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clickhouse::Client;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use whence_core::click::Click;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource};
use whence_core::journal::{self, Block, LaneOptions};
use whence_core::test_support::Engine;
use whence_core::wire;

use crate::support::{Collector, Lane, acme, assert_rollups, click, number, wait_for};

const COUNT: &str = "SELECT count() FROM clicks";

/// Takes the parts of a table, those of one partition or all, and kills the engine over it.
async fn lose(engine: &mut Engine, table: &str, partition: Option<u32>) {
    let parts = format!(
        "SELECT path FROM system.parts WHERE database = currentDatabase() AND table = '{table}' AND active
         AND partition LIKE '{}'",
        partition.map_or("%".into(), |one| one.to_string())
    );
    let paths = engine.client().query(&parts).fetch_all::<String>().await;
    engine.kill();
    for path in paths.unwrap() {
        std::fs::remove_dir_all(path).unwrap();
    }
    engine.start_again();
}

/// Whether ClickHouse drops a row of a month under this token, as it does where it remembers it.
async fn is_remembered(client: &Client, token: &str, unix_ms: u64) -> bool {
    let count = format!("SELECT count() FROM clicks WHERE lane = {}", u64::MAX);
    let before = number(client, &count).await;
    let insert = format!(
        "INSERT INTO clicks (lane, time) SETTINGS insert_deduplication_token = '{token}'
         SELECT {}, fromUnixTimestamp64Milli({unix_ms}, 'UTC')",
        u64::MAX
    );
    client.query(&insert).execute().await.unwrap();
    number(client, &count).await == before
}

async fn store(collector: &Collector, block: &Block) {
    let got = collector.block(block.wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_lost_is_stored_again_and_once() {
    let mut engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let mut lane = Lane::new();
    let block = lane.block_of(100);
    store(&collector, &block).await;
    // Its first token lies, then its second does too.
    for token in [block.id().to_string(), format!("{}#1", block.id())] {
        lose(&mut engine, "clicks", None).await;
        assert_eq!(number(&client, COUNT).await, 0);
        assert!(is_remembered(&client, &token, click().unix_ms).await);
        let other = format!("not {token}");
        assert!(!is_remembered(&client, &other, click().unix_ms).await);
        lose(&mut engine, "clicks", None).await;
        for _ in 0..2 {
            store(&collector, &block).await;
        }
        for count in ["count()", "uniqExact(seq)"] {
            let found = number(&client, &format!("SELECT {count} FROM clicks")).await;
            assert_eq!(found, 100, "{count}");
        }
    }
    assert_rollups(&client).await;
}

/// A block's months are parts of their own: one may be there and another lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_was_lost_is_stored_again_without_the_other() {
    let mut engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let mut lane = Lane::new();
    // The last minute of October, the first of November.
    for number in 0..120 {
        lane.append(&Click {
            unix_ms: 1_793_491_140_000 + number * 1_000,
            ..click()
        });
    }
    let block = lane.seal();
    store(&collector, &block).await;
    for (month, left) in [(202_611, 60), (202_610, 60)] {
        lose(&mut engine, "clicks", Some(month)).await;
        assert_eq!(number(&client, COUNT).await, left);
        for _ in 0..2 {
            store(&collector, &block).await;
        }
        let each = "SELECT toUInt64(count() = 120 AND uniqExact(seq) = 120) FROM clicks";
        assert_eq!(number(&client, each).await, 1, "{month}");
    }
    assert_rollups(&client).await;
}

/// Both find it absent, both go on to the next token.
#[tokio::test(flavor = "multi_thread")]
async fn two_collectors_store_lost_blocks_once_between_them() {
    const BLOCKS: u64 = 30;
    const CLICKS: u64 = 50;
    let mut engine = Engine::migrated().await;
    let config = engine.config();
    let both = [
        Collector::start(&config).await,
        Collector::start(&config).await,
    ];
    let mut lane = Lane::new();
    let blocks: Vec<_> = (0..BLOCKS).map(|_| lane.block_of(CLICKS)).collect();
    for block in &blocks {
        store(&both[0], block).await;
    }
    lose(&mut engine, "clicks", None).await;
    for blocks in blocks.chunks(3) {
        let sent = blocks
            .iter()
            .flat_map(|block| both.iter().map(move |to| store(to, block)));
        futures::future::join_all(sent).await;
    }
    let client = engine.client();
    for count in ["count()", "uniqExact(lane, seq)"] {
        let found = number(&client, &format!("SELECT {count} FROM clicks")).await;
        assert_eq!(found, BLOCKS * CLICKS, "{count}");
    }
    assert_rollups(&client).await;
}

/// An insert that runs may be the one that has noted the token, and commit yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_waited_for_before_the_next_token() {
    let mut engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let block = Lane::new().block_of(10);
    store(&collector, &block).await;
    lose(&mut engine, "clicks", None).await;

    let config = engine.config();
    let address = config.url.strip_prefix("http://").unwrap().to_owned();
    let mut slow = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /?database={}&query=INSERT%20INTO%20clicks(seq)%20FORMAT%20CSV HTTP/1.1\r\nhost: {address}\r\n\
         x-clickhouse-user: {}\r\nx-clickhouse-key: {}\r\ntransfer-encoding: chunked\r\n\r\n2\r\n5\n\r\n",
        config.database,
        config.user,
        config.password.expose()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let inserts = "SELECT count() FROM system.processes WHERE query_kind = 'Insert'";
    wait_for(&client, inserts, 1).await;
    let stored = store(&collector, &block);
    tokio::pin!(stored);
    let early = tokio::time::timeout(Duration::from_secs(2), &mut stored).await;
    assert!(early.is_err(), "the insert still runs");
    assert_eq!(number(&client, COUNT).await, 0);
    slow.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stored.await;
    assert_eq!(number(&client, COUNT).await, 11);
}

/// A number vouches for what stands in the other tables: without it all is written again.
#[tokio::test(flavor = "multi_thread")]
async fn conversions_that_were_lost_are_stored_again_and_once() {
    let mut engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    collector.kill();
    let lane = collector.folder().join("journal/ingest/conversions");
    let (mut writer, reader) = journal::open(&lane, LaneOptions::default()).unwrap();
    for event in 0..6 {
        let mut payload = Vec::new();
        wire::encode(&conversion(event), &mut payload);
        writer.append(&payload).unwrap();
    }
    drop((writer, reader));
    let copy = collector.folder().join("copy");
    let copy_all = |from: &Path, to: &Path| {
        let status = Command::new("cp").arg("-aT").args([from, to]).status();
        assert!(status.unwrap().success());
    };
    copy_all(&lane, &copy);
    let tables = ["conversions", "refunds", "conversion_numbers"];
    for lost in [&[][..], &tables[2..], &tables] {
        for table in lost {
            lose(&mut engine, table, None).await;
            let count = format!("SELECT count() FROM {table}");
            assert_eq!(number(&client, &count).await, 0);
        }
        std::fs::remove_dir_all(&lane).unwrap();
        copy_all(&copy, &lane);
        collector.launch().await;
        wait_for(&client, "SELECT count() FROM conversion_numbers", 6).await;
        collector.kill();
        for (table, rows) in tables.into_iter().zip([6, 3, 6]) {
            let count = format!("SELECT count() FROM {table} FINAL");
            assert_eq!(
                number(
                    &client,
                    &count.replace("conversion_numbers FINAL", "conversion_numbers")
                )
                .await,
                rows,
                "{table} after {lost:?}"
            );
        }
    }
}

/// Every second one takes another back.
fn conversion(event: u32) -> Conversion {
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
    let (kind, reference) = match event % 2 {
        0 => (ConversionKind::Sale, String::new()),
        _ => (ConversionKind::Cancellation, (event - 1).to_string()),
    };
    Conversion {
        workspace: acme(),
        event_id: event.to_string(),
        kind,
        name: String::new(),
        click: None,
        visitor: None,
        customer: String::new(),
        amount: None,
        occurred_ms: now,
        received_ms: now,
        source: ConversionSource::Server,
        body_digest: 7,
        reference,
    }
}
