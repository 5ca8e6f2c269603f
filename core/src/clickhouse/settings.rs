//! The settings that exactly-once rests on, sent with every insert and never left to a server's
//! defaults, which have moved before (26.2 and 26.3 both changed what an insert does).
//!
//! What ClickHouse promises with them, and what not: an insert whose token it remembers is dropped, so that it
//! never counts twice. It does not promise that the rows are there. A plain table notes the token before it
//! renames the part into place, and the two are no transaction: killed in between, it starts again with the token and
//! without the rows, and answers the repeat with success. So a token is good for "not twice"; that rows are there is
//! known by looking for them, which ingest does.

use clickhouse::Client;
use thiserror::Error;

/// Sent with every insert.
///
/// A block must stay one block inside the engine: the deduplication token is per block, and an insert
/// is atomic only within one, and within one partition.
pub const INSERT_SETTINGS: &[(&str, &str)] = &[
    // Asynchronous inserts answer before the rows are there and have lost them.
    ("async_insert", "0"),
    // Above any block that a shipper seals, so that the engine never cuts one in two.
    ("max_insert_block_size", "1048576"),
    ("min_insert_block_size_rows", "1048576"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    // Blocks end by neither size nor time while they are read.
    ("input_format_max_block_size_bytes", "0"),
    ("input_format_max_block_wait_ms", "0"),
    // 32 MiB: an insert that meets a full volume half-way can leave a part whose marks are empty (26.7), and then no query
    // that needs the part answers until ClickHouse starts again and sets it aside. So none begins on the last of the room.
    ("min_free_disk_bytes_to_perform_insert", "33554432"),
    // Equal rows are two clicks until their (lane, seq) says otherwise; never collapse while inserting.
    ("optimize_on_insert", "0"),
];

/// Sent with an insert that has a token.
pub const ONCE_SETTINGS: &[(&str, &str)] = &[
    ("insert_deduplicate", "1"),
    // Stands above the one before since 26.2.
    ("deduplicate_insert", "enable"),
    // An operator's own views must not count a block twice either.
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
];

/// Sent with an insert into a table that replaces equal rows by itself: without a token the data's own hash would be
/// one, of which the same holds.
pub const REPLACE_SETTINGS: &[(&str, &str)] = &[
    ("insert_deduplicate", "0"),
    ("deduplicate_insert", "disable"),
];

/// Asks the server whether it takes every pinned setting, before anything depends on it.
pub async fn check_settings(client: &Client) -> Result<(), clickhouse::error::Error> {
    for kind in [ONCE_SETTINGS, REPLACE_SETTINGS] {
        let settings = INSERT_SETTINGS.iter().chain(kind);
        let client = settings.fold(client.clone(), |client, (name, value)| {
            client.with_setting(*name, *value)
        });
        client.query("SELECT 1").fetch_one::<u8>().await?;
    }
    Ok(())
}

/// The tables whose inserts have tokens.
const TABLES: [&str; 2] = ["clicks", "conversion_numbers"];
/// What makes a plain table remember tokens at all.
const WINDOW: &str = "non_replicated_deduplication_window";

/// The tables are not fit for inserts that count once.
#[derive(Debug, Error)]
pub enum TablesError {
    /// A table forgets every block at once.
    #[error(
        "the table {0} has no non_replicated_deduplication_window, so a block sent again would count twice; set it to 100000"
    )]
    NoWindow(&'static str),
    /// ClickHouse did not say.
    #[error("the tables' settings: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
}

/// Asks whether the tables remember the tokens of blocks: a plain table does so only where it is told to.
pub async fn check_tables(client: &Client) -> Result<(), TablesError> {
    const QUERY: &str =
        "SELECT toUInt64OrZero(extract(engine_full, concat({window:String}, ' = ([0-9]+)')))
        FROM system.tables WHERE database = currentDatabase() AND name = {table:String}";
    for table in TABLES {
        let query = client
            .query(QUERY)
            .param("window", WINDOW)
            .param("table", table);
        if query.fetch_optional::<u64>().await?.unwrap_or(0) == 0 {
            return Err(TablesError::NoWindow(table));
        }
    }
    Ok(())
}
