//! `kill -9` of the child while rows go in: the supervisor starts it again, and each block is there once.
//!
//! What that takes of a sender is a fact about ClickHouse (26.7): a plain table notes an insert's deduplication token before
//! it renames the part into place. Killed in between, it remembers the token and has no part, and answers the
//! repeat with success. So whoever inserts looks for the rows, and where they are not there inserts them under another
//! token. A projection is part of its part: it can not be lost by itself.

use std::path::Path;
use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use serde::Serialize;
use whence_core::secret::Secret;
use whence_embedded::engine::{StartError, State, Supervisor, SupervisorOptions};

use crate::support::{PASSWORD, PROGRAM, USER, signal};

#[derive(Row, Serialize)]
struct Event {
    block: u32,
    row: u32,
}

const BLOCKS: u32 = 60;
const ROWS: u32 = 2_000;
const KILLS: u32 = 6;

fn options(path: &Path) -> SupervisorOptions {
    SupervisorOptions {
        program: PROGRAM.into(),
        path: path.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        user: USER.to_owned(),
        password: Secret::new(PASSWORD),
        library: None,
        connections: 4,
        drain: Duration::from_secs(5),
    }
}

fn client(url: &str) -> Client {
    Client::default()
        .with_url(url)
        .with_user(USER)
        .with_password(PASSWORD)
}

/// Inserts a block under one of its tokens.
async fn insert(client: &Client, block: u32, token: u32) -> clickhouse::error::Result<()> {
    let client = client.clone().with_setting(
        "insert_deduplication_token",
        format!("block-{block}#{token}"),
    );
    let mut insert = client.insert::<Event>("events").await?;
    for row in 0..ROWS {
        insert.write(&Event { block, row }).await?;
    }
    insert.end().await
}

async fn count(client: &Client, question: &str) -> clickhouse::error::Result<u64> {
    client.query(question).fetch_one().await
}

/// Stores a block as ingest does; answers how many of its tokens were lies.
async fn send(client: &Client, block: u32) -> clickhouse::error::Result<u32> {
    for token in 0.. {
        insert(client, block, token).await?;
        // What an attempt before this one has left behind may still be on its way.
        let running = "SELECT count() FROM system.processes WHERE query_kind = 'Insert'";
        while count(client, running).await? > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let rows = format!("SELECT count() FROM events WHERE block = {block}");
        match count(client, &rows).await? {
            0 => {}
            found => {
                assert_eq!(
                    found,
                    u64::from(ROWS),
                    "a part is there whole or not at all"
                );
                return Ok(token);
            }
        }
    }
    unreachable!("it goes on until it is there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_rows_go_in_it_loses_none_and_counts_none_twice() {
    let directory = tempfile::tempdir().unwrap();
    let engine = std::sync::Arc::new(Supervisor::start(options(directory.path())).await.unwrap());
    let url = engine.wait_ready().await.unwrap();
    let client = client(&url);
    let table = "CREATE TABLE events (block UInt32, row UInt32, PROJECTION totals (SELECT block, count() GROUP BY block))
        ENGINE = MergeTree ORDER BY (block, row) SETTINGS non_replicated_deduplication_window = 1000";
    client.query(table).execute().await.unwrap();
    let killer = {
        let engine = std::sync::Arc::clone(&engine);
        tokio::spawn(async move {
            for kill in 0..KILLS {
                // Off the rhythm of the inserts, so that they are hit at different points.
                tokio::time::sleep(Duration::from_millis(u64::from(37 + kill * 53))).await;
                engine.wait_ready().await.unwrap();
                if let State::Ready { pid, .. } = engine.state() {
                    signal(pid, "KILL");
                }
                while matches!(engine.state(), State::Ready { .. }) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        })
    };
    let (mut failures, mut lies, mut block) = (0, 0, 0);
    // Goes on after the last block until the last kill, so that every kill meets inserts.
    while block < BLOCKS || !killer.is_finished() {
        lies += loop {
            match send(&client, block).await {
                Ok(lies) => break lies,
                Err(_) => failures += 1,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        block += 1;
    }
    killer.await.unwrap();
    assert_eq!(engine.wait_ready().await.unwrap(), url, "the address stays");
    assert!(failures >= KILLS, "{failures} failures for {KILLS} kills");
    println!("{block} blocks, {lies} tokens without their part");
    let expected = (u64::from(block) * u64::from(ROWS), u64::from(block));
    let (rows, blocks, distinct): (u64, u64, u64) = client
        .query("SELECT count(), uniqExact(block), uniqExact(block, row) FROM events")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(
        (rows, blocks, distinct),
        (expected.0, expected.1, expected.0)
    );
    let (entries, total): (u64, u64) = client
        .query("SELECT uniqExact(block), countMerge(`count()`) FROM mergeTreeProjection(currentDatabase(), 'events', 'totals')")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!((entries, total), (expected.1, expected.0));

    let engine = std::sync::Arc::into_inner(engine).unwrap();
    let State::Ready { pid, .. } = engine.state() else {
        panic!("not ready")
    };
    engine.stop().await;
    assert!(
        !Path::new(&format!("/proc/{pid}")).exists(),
        "the child is gone"
    );

    let again = Supervisor::start(options(directory.path())).await.unwrap();
    let client = self::client(&again.wait_ready().await.unwrap());
    assert_eq!(
        client
            .query("SELECT count() FROM events")
            .fetch_one::<u64>()
            .await
            .unwrap(),
        expected.0
    );
    again.stop().await;
}

/// The fact by itself: what a kill between the two leaves, made by hand. Should it no longer be so, ClickHouse has mended it.
#[tokio::test]
async fn a_token_is_remembered_although_its_part_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Supervisor::start(options(directory.path())).await.unwrap();
    let client = client(&engine.wait_ready().await.unwrap());
    let table =
        "CREATE TABLE events (block UInt32, row UInt32) ENGINE = MergeTree ORDER BY (block, row)
        SETTINGS non_replicated_deduplication_window = 1000";
    client.query(table).execute().await.unwrap();
    assert_eq!(send(&client, 0).await.unwrap(), 0);
    let part = "SELECT path FROM system.parts WHERE table = 'events' AND active";
    let part = client.query(part).fetch_one::<String>().await.unwrap();
    engine.stop().await;
    std::fs::remove_dir_all(part).unwrap();

    let engine = Supervisor::start(options(directory.path())).await.unwrap();
    let client = self::client(&engine.wait_ready().await.unwrap());
    insert(&client, 0, 0)
        .await
        .expect("it is answered as if it were there");
    let rows = count(&client, "SELECT count() FROM events").await.unwrap();
    assert_eq!(rows, 0, "who does not look has lost it");
    assert_eq!(
        send(&client, 0).await.unwrap(),
        1,
        "the next token brings it"
    );
    let rows = count(&client, "SELECT count() FROM events").await.unwrap();
    assert_eq!(rows, u64::from(ROWS));
    engine.stop().await;
}

#[tokio::test]
async fn a_dropped_supervisor_takes_its_child_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Supervisor::start(options(directory.path())).await.unwrap();
    let url = engine.wait_ready().await.unwrap();
    assert_eq!(engine.url(), url);
    let State::Ready { pid, .. } = engine.state() else {
        panic!("not ready")
    };
    assert_eq!(
        client(&url)
            .query("SELECT 1")
            .fetch_one::<u8>()
            .await
            .unwrap(),
        1
    );
    drop(engine);
    let since = Instant::now();
    while client(&url)
        .query("SELECT 1")
        .fetch_one::<u8>()
        .await
        .is_ok()
    {
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "process {pid} still answers"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_child_that_cannot_start_is_told_once_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let engine = Supervisor::start(options(&file)).await.unwrap();
    match engine.wait_ready().await.unwrap_err() {
        StartError::Ended { reason } => {
            assert!(reason.contains("cannot use the data directory"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    let mut nowhere = options(directory.path());
    nowhere.program = "/nowhere/whence".into();
    let engine = Supervisor::start(nowhere).await.unwrap();
    assert!(
        engine
            .wait_ready()
            .await
            .unwrap_err()
            .to_string()
            .contains("/nowhere/whence")
    );
    let mut no_library = options(directory.path());
    no_library.library = Some("/nowhere/libchdb.so".into());
    let error = Supervisor::start(no_library).await.unwrap_err().to_string();
    assert!(
        error.contains("/nowhere/libchdb.so") && error.contains("clickhouse.url"),
        "{error}"
    );
}
