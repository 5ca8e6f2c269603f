//! Migrations on a database that is in use already: what stands there stays as it was and is found as fast.

#![allow(clippy::unwrap_used)] // As in every test; the lint does not see that a helper belongs to one.

use clickhouse::Client;
use sha2::{Digest, Sha256};
use whence_core::clickhouse::{check_tables, migrate, pending};
use whence_core::test_support::Engine;

/// The first migrations, as an older build would have applied them.
const OLDER: [(u32, &str, &str); 2] = [
    (
        1,
        "clicks",
        include_str!("../../sql/migrations/0001_clicks.sql"),
    ),
    (
        2,
        "conversions",
        include_str!("../../sql/migrations/0002_conversions.sql"),
    ),
];

const ANSWERS: &str = include_str!("../../sql/migrations/0003_answers.sql");

/// So many, a second apart, that a look-up which does not go by the hour reads many granules.
const ROWS: u64 = 100_000;

async fn run(client: &Client, statement: &str) {
    let done = client.query(statement).execute().await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

/// A database as an older build has left it.
async fn older(engine: &Engine) -> Client {
    let config = engine.config();
    let bootstrap = engine.client().with_database("default");
    run(&bootstrap, &format!("CREATE DATABASE {}", config.database)).await;
    let client = engine.client();
    let record = include_str!("../../sql/migrations/0000_migrations.sql");
    run(&client, record).await;
    for (number, name, text) in OLDER {
        run(&client, text.trim_end().trim_end_matches(';')).await;
        let checksum: String = Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let insert = format!(
            "INSERT INTO migrations (number, name, checksum) VALUES ({number}, '{name}', '{checksum}')"
        );
        run(&client, &insert).await;
    }
    client
}

/// Clicks with the numbers from `first` on, every third answered `outcome`.
fn clicks(first: u64, outcome: &str, columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, verdict{columns})
         SELECT 'acme', toDateTime64(1790000000, 3, 'UTC') + number, cityHash64(number), 1, number,
             if(number % 3 = 0, '{outcome}', 'redirected'), 'GET', 'human'{values}
         FROM numbers({first}, {ROWS})"
    )
}

/// The click of a number, by its id, and whether the hour that the id begins with spared the look-up the others.
async fn by_id(client: &Client, number: u64) -> (String, bool) {
    let hash = client.query(&format!("SELECT toString(cityHash64(toUInt64({number})))"));
    let id = hash.fetch_one::<String>().await.unwrap();
    let question = format!(
        "SELECT concat(toString(outcome), ' ', toString(toUnixTimestamp(time))) AS found
         FROM clicks WHERE workspace = 'acme' AND click_id = {id}
             AND toStartOfHour(time) = toStartOfHour(toDateTime64(1790000000, 3, 'UTC') + {number})"
    );
    let found = client.query(&question).fetch_one::<String>().await.unwrap();
    let plan = client.query(&format!("EXPLAIN indexes = 1 {question}"));
    let plan = plan.fetch_all::<String>().await.unwrap();
    let granules = plan
        .iter()
        .rev()
        .find_map(|line| line.trim().strip_prefix("Granules: ")?.split_once('/'))
        .map(|(read, all)| (read.parse().unwrap(), all.parse().unwrap()));
    let (read, all): (u32, u32) = granules.expect("the plan says what it reads");
    (found, 2 * read <= all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_clicks_learns_new_answers_and_keeps_its_old_ones() {
    let engine = Engine::start();
    let client = older(&engine).await;
    run(&client, &clicks(0, "not_found", "", "")).await;
    let behind = pending(&client).await.unwrap();
    let database = engine.config().database;
    let applied = migrate(&client, &database).await.unwrap();
    assert_eq!(applied.len(), behind);
    assert_eq!(applied[0], "0003_answers");
    assert_eq!(migrate(&client, &database).await.unwrap(), [""; 0]);
    // A process that was killed before it could record the migration applies it again.
    run(&client, ANSWERS.trim_end().trim_end_matches(';')).await;
    check_tables(&client).await.unwrap();

    let columns = ", variant, tags";
    let values = ", 'blue', ['a', 'b']";
    run(&client, &clicks(ROWS, "expired", columns, values)).await;
    for merged in [false, true] {
        if merged {
            run(&client, "OPTIMIZE TABLE clicks FINAL").await;
        }
        let old = (String::from("not_found 1790000003"), true);
        assert_eq!(by_id(&client, 3).await, old, "merged: {merged}");
        let new = (String::from("expired 1790100002"), true);
        assert_eq!(by_id(&client, ROWS + 2).await, new, "merged: {merged}");
        let counted = "SELECT toString(tuple(outcome, variant, tags, count())) FROM clicks
             GROUP BY outcome, variant, tags ORDER BY outcome, variant";
        let counted = client.query(counted).fetch_all::<String>().await.unwrap();
        let expected = [
            "('redirected','',[],66666)",
            "('redirected','blue',['a','b'],66667)",
            "('not_found','',[],33334)",
            "('expired','blue',['a','b'],33333)",
        ];
        assert_eq!(counted, expected, "merged: {merged}");
    }
}

/// A block is freed from the journal when ClickHouse has acknowledged it: by then it must be on disk. Accounts of lanes
/// come again every few seconds, migrations are applied again where they are not known, and copies of
/// clicks are made again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_synced_and_known_again() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let comes_again = ["carried_clicks", "lane_gaps", "lanes", "migrations"];
    // What replaces itself, or is not fed by blocks, needs no token.
    let replaced = [
        "carried_clicks",
        "confirmations",
        "lane_gaps",
        "lanes",
        "migrations",
        "page_events",
        "persons",
    ];
    for (setting, may_lack) in [
        ("fsync_after_insert = 1", &comes_again[..]),
        ("fsync_part_directory = 1", &comes_again),
        ("non_replicated_deduplication_window = 100000", &replaced),
    ] {
        let without = client
            .query(
                "SELECT name FROM system.tables WHERE database = currentDatabase() \
                 AND engine LIKE '%MergeTree' AND position(create_table_query, ?) = 0 ORDER BY name",
            )
            .bind(setting)
            .fetch_all::<String>()
            .await
            .unwrap();
        assert_eq!(without, may_lack, "{setting}");
    }
}
