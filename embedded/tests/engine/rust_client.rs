//! The official `clickhouse` crate, as the services use it: LZ4, validation of types, typed rows.

use clickhouse::error::Error;
use clickhouse::{Client, Compression, Row};
use serde::{Deserialize, Serialize};

use crate::support::{Engine, USER};

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Visit {
    id: u64,
    place: String,
    amount: Option<i64>,
    tags: Vec<String>,
}

fn visits(count: u64) -> Vec<Visit> {
    (0..count)
        .map(|id| Visit {
            id,
            place: format!("place '{}'\t\\{}", id % 7, id),
            amount: (id % 3 > 0).then_some(-i64::try_from(id).unwrap()),
            tags: (0..id % 4).map(|tag| tag.to_string()).collect(),
        })
        .collect()
}

async fn create(client: &Client) {
    client
        .query("CREATE TABLE visits (id UInt64, place String, amount Nullable(Int64), tags Array(String)) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000")
        .execute()
        .await
        .unwrap();
}

async fn insert(client: &Client, rows: &[Visit]) -> Result<(), Error> {
    let mut insert = client.insert::<Visit>("visits").await?;
    for row in rows {
        insert.write(row).await?;
    }
    insert.end().await
}

#[tokio::test]
async fn rows_go_in_and_come_out_the_same() {
    let engine = Engine::start();
    create(&engine.client()).await;
    let rows = visits(50_000);
    for client in [
        engine.client(),
        engine.client().with_compression(Compression::None),
    ] {
        insert(&client, &rows).await.unwrap();
        let mut cursor = client
            .query("SELECT ?fields FROM visits ORDER BY id")
            .fetch::<Visit>()
            .unwrap();
        for expected in &rows {
            assert_eq!(cursor.next().await.unwrap().as_ref(), Some(expected));
        }
        assert_eq!(cursor.next().await.unwrap(), None);
        client
            .query("TRUNCATE TABLE visits")
            .execute()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn parameters_are_the_servers() {
    let engine = Engine::start();
    let client = engine.client();
    create(&client).await;
    insert(&client, &visits(100)).await.unwrap();
    let place = "place '3'\t\\3; DROP TABLE visits --";
    let found: u64 = client
        .query("SELECT count() FROM {table:Identifier} WHERE id >= {least:UInt64} AND id IN {ids:Array(UInt64)} AND place != {place:String}")
        .param("table", "visits")
        .param("least", 10)
        .param("ids", vec![5, 10, 15])
        .param("place", place)
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(found, 2);
    let echoed: String = client
        .query("SELECT {place:String}")
        .param("place", place)
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(echoed, place);
}

#[tokio::test]
async fn errors_are_typed_and_say_what_the_engine_said() {
    let engine = Engine::start();
    let client = engine.client();
    create(&client).await;
    let said = |error: Error| match error {
        Error::BadResponse(text) => text,
        other => panic!("not a response of the server: {other:?}"),
    };
    for client in [
        client.clone(),
        client.clone().with_compression(Compression::None),
    ] {
        let text = said(
            client
                .query("SELECT * FROM nowhere")
                .fetch_one::<u8>()
                .await
                .unwrap_err(),
        );
        assert!(
            text.starts_with("Code: 60.") && text.contains("UNKNOWN_TABLE"),
            "{text}"
        );
        let text = said(
            client
                .query("CREATE TABLE visits (a Int8) ENGINE = Memory")
                .execute()
                .await
                .unwrap_err(),
        );
        assert!(text.starts_with("Code: 57."), "{text}");
        let text = said(
            client
                .query("SELECT 1")
                .with_setting("no_such_setting", "1")
                .fetch_one::<u8>()
                .await
                .unwrap_err(),
        );
        assert!(text.contains("UNKNOWN_SETTING"), "{text}");
        // Half-way through a result: rows first, then the error.
        let mut cursor = client
            .query("SELECT throwIf(number = 2000000), number FROM numbers(3000000) SETTINGS max_block_size = 10000, max_threads = 1")
            .fetch::<(u8, u64)>()
            .unwrap();
        let mut rows = 0_u64;
        let error = loop {
            match cursor.next().await {
                Ok(Some(_)) => rows += 1,
                Ok(None) => panic!("the result ended well after {rows} rows"),
                Err(error) => break error,
            }
        };
        assert!(rows > 0);
        assert!(said(error).contains("FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"));
    }
    let wrong = engine.client().with_user(USER).with_password("wrong");
    assert!(
        said(wrong.query("SELECT 1").fetch_one::<u8>().await.unwrap_err())
            .contains("AUTHENTICATION_FAILED")
    );
}

#[derive(Row, Serialize)]
struct Misfit {
    id: String,
    place: String,
    amount: Option<i64>,
    tags: Vec<String>,
}

#[tokio::test]
async fn a_row_of_other_types_is_refused_before_it_is_sent() {
    let engine = Engine::start();
    let client = engine.client();
    create(&client).await;
    let refused = async {
        let mut insert = client.insert::<Misfit>("visits").await?;
        let row = Misfit {
            id: "1".into(),
            place: String::new(),
            amount: None,
            tags: Vec::new(),
        };
        insert.write(&row).await?;
        insert.end().await
    };
    let text = std::panic::AssertUnwindSafe(refused);
    let outcome = futures::FutureExt::catch_unwind(text).await;
    assert!(
        !matches!(outcome, Ok(Ok(()))),
        "a String went into a UInt64"
    );
    assert_eq!(engine.ask("SELECT count() FROM visits").await, "0");
}

#[tokio::test]
async fn a_token_counts_once_in_the_table_and_in_its_view() {
    let engine = Engine::start();
    let client = engine.client();
    create(&client).await;
    for sql in [
        "CREATE TABLE totals (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 1000",
        "CREATE MATERIALIZED VIEW totals_of TO totals AS SELECT count() AS n FROM visits",
    ] {
        client.query(sql).execute().await.unwrap();
    }
    let rows = visits(1_000);
    let with = |token: &str| {
        client
            .clone()
            .with_setting("insert_deduplication_token", token)
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
    };
    for token in ["block-1", "block-1", "block-2", "block-1"] {
        insert(&with(token), &rows).await.unwrap();
    }
    assert_eq!(
        engine
            .ask("SELECT count(), uniqExact(id) FROM visits")
            .await,
        "2000\t1000"
    );
    assert_eq!(
        engine.ask("SELECT count(), sum(n) FROM totals").await,
        "2\t2000"
    );
    // Without a token nothing is taken for a repeat but the same data.
    insert(&with(""), &rows[..10]).await.unwrap();
    insert(&with(""), &rows[10..20]).await.unwrap();
    assert_eq!(engine.ask("SELECT count() FROM visits").await, "2020");
}
