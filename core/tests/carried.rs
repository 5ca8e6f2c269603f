//! The copies of clicks that conversions carry, in the real engine: what is copied, and that it stays what the clicks say.

#![allow(clippy::unwrap_used)] // As in every test; the lint does not see that a helper belongs to one.

use clickhouse::Client;
use whence_core::clickhouse::{copy_carried, copying_has_ended, forget_carried};
use whence_core::test_support::Engine;

async fn run(client: &Client, statement: &str) {
    let done = client
        .query(statement)
        .with_setting("mutations_sync", "1")
        .execute()
        .await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

async fn text(client: &Client, query: &str) -> String {
    let found = client.query(query).fetch_one().await;
    found.unwrap_or_else(|error| panic!("{error}: {query}"))
}

/// Clicks of two workspaces with the ids of these numbers, a minute apart.
async fn clicks(client: &Client, first: u64, count: u64) {
    run(
        client,
        &format!(
            "INSERT INTO clicks (workspace, time, click_id, lane, seq, channel, outcome, method, verdict)
             SELECT if(number % 2 = 0, 'acme', 'other'), fromUnixTimestamp64Milli(1790000000000 + toInt64(number) * 60000, 'UTC') AS at,
                 bitShiftLeft(toUInt128(toUnixTimestamp64Milli(at)), 80) + number, 1, number, 'Email', 1, 1, 1
             FROM numbers({first}, {count})"
        ),
    )
    .await;
}

/// A conversion of every third of them; it came so many milliseconds after 1970.
async fn conversions(client: &Client, count: u64, received_ms: i64) {
    run(
        client,
        &format!(
            "INSERT INTO conversions (workspace, event_id, kind, click_id, received_at)
             SELECT if(number % 2 = 0, 'acme', 'other'), toString(number), 'lead',
                 bitShiftLeft(toUInt128(1790000000000 + number * 60000), 80) + number,
                 fromUnixTimestamp64Milli({received_ms}, 'UTC')
             FROM numbers({count}) WHERE number % 3 = 0"
        ),
    )
    .await;
}

/// How many there are, and how many of them are not what the clicks say.
async fn copies(client: &Client) -> String {
    text(
        client,
        "SELECT concat(toString(count()), ' ', toString(countIf((workspace, click_id, lane, seq, toString(channel), toString(verdict)) NOT IN (
             SELECT workspace, click_id, lane, seq, toString(channel), toString(verdict) FROM clicks)))) FROM carried_clicks FINAL",
    )
    .await
}

#[tokio::test]
async fn they_have_the_columns_of_clicks_in_their_order() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let columns = async |table: &str| {
        // Those that a `SELECT *` has: what is made out of others is not copied.
        let query = format!(
            "SELECT arrayStringConcat(groupArray(concat(name, ' ', type)), ', ') FROM (
                 SELECT name, type FROM system.columns
                 WHERE database = currentDatabase() AND table = '{table}' AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')
                 ORDER BY position)"
        );
        text(&client, &query).await
    };
    assert_eq!(columns("carried_clicks").await, columns("clicks").await);
}

#[tokio::test]
async fn what_is_carried_is_copied_once_and_only_that() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    clicks(&client, 0, 200).await;
    conversions(&client, 300, 1_790_100_000_000).await;
    copy_carried(&client, 0, false).await.unwrap();
    assert_eq!(copies(&client).await, "67 0");

    // Clicks that came later than their conversions, which are looked at no further back than is said.
    clicks(&client, 200, 100).await;
    copy_carried(&client, 1_790_100_000_001, false)
        .await
        .unwrap();
    assert_eq!(copies(&client).await, "67 0");
    copy_carried(&client, 1_790_100_000_000, false)
        .await
        .unwrap();
    copy_carried(&client, 0, true).await.unwrap();
    assert_eq!(copies(&client).await, "100 0");
}

#[tokio::test]
async fn what_was_changed_is_copied_as_it_is_now() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    clicks(&client, 0, 300).await;
    conversions(&client, 300, 1_790_100_000_000).await;
    copy_carried(&client, 0, false).await.unwrap();
    run(
        &client,
        "ALTER TABLE clicks UPDATE channel = 'Direct' WHERE lane = 1",
    )
    .await;
    assert_eq!(copies(&client).await, "100 100");

    // One of them, by its time and workspace: the first of `other` that is carried.
    let third = 1_790_000_000_000 + 3 * 60_000;
    forget_carried(&client, (third, third + 1), "acme")
        .await
        .unwrap();
    assert_eq!(copies(&client).await, "100 100");
    forget_carried(&client, (third, third + 1), "other")
        .await
        .unwrap();
    assert_eq!(copies(&client).await, "99 99");
    copy_carried(&client, 0, false).await.unwrap();
    assert_eq!(copies(&client).await, "100 99");
    forget_carried(&client, (0, i64::from(u32::MAX) * 1000), "")
        .await
        .unwrap();
    copy_carried(&client, 0, false).await.unwrap();
    assert_eq!(copies(&client).await, "100 0");

    // What nobody has thrown away is right once all is copied again.
    run(
        &client,
        "ALTER TABLE clicks UPDATE channel = 'Email' WHERE lane = 1",
    )
    .await;
    copy_carried(&client, 0, true).await.unwrap();
    assert_eq!(copies(&client).await, "100 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn copying_that_runs_is_waited_for() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    clicks(&client, 0, 30).await;
    // Begins as sql/carried/copy.sql does, and takes its time.
    assert!(include_str!("../../sql/carried/copy.sql").contains("\nINSERT INTO carried_clicks\n"));
    let slow = client.clone();
    let copying = tokio::spawn(async move {
        run(
            &slow,
            "INSERT INTO carried_clicks\nSELECT * FROM clicks WHERE sleepEachRow(0.05) = 0 SETTINGS max_block_size = 10",
        )
        .await;
    });
    let running = "SELECT toString(count()) FROM system.processes WHERE query_kind = 'Insert'";
    while text(&client, running).await == "0" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(copies(&client).await, "0 0", "it runs");
    copying_has_ended(&client).await.unwrap();
    assert_eq!(copies(&client).await, "30 0");
    copying.await.unwrap();
}
