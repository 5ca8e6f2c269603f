//! The settings that exactly-once rests on, sent with every insert and never left to a server's
//! defaults, which have moved before (26.2 and 26.3 both changed what an insert does).

use clickhouse::Client;
use thiserror::Error;

/// Sent with every insert of a block.
///
/// A block must stay one block inside the engine: the deduplication token is per block, and an insert
/// is atomic only within one.
pub const INSERT_SETTINGS: &[(&str, &str)] = &[
    // Asynchronous inserts answer before the rows are there and have lost them.
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    // Stands above the one before since 26.2.
    ("deduplicate_insert", "enable"),
    // A block sent again must not count twice in a view either.
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    // Above any block that a shipper seals, so that the engine never cuts one in two.
    ("max_insert_block_size", "1048576"),
    ("min_insert_block_size_rows", "1048576"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    // Blocks end by neither size nor time while they are read.
    ("input_format_max_block_size_bytes", "0"),
    ("input_format_max_block_wait_ms", "0"),
    // Equal rows are two clicks until their (lane, seq) says otherwise; never collapse while inserting.
    ("optimize_on_insert", "0"),
];

/// Asks the server whether it takes every pinned setting, before anything depends on it.
pub async fn check_settings(client: &Client) -> Result<(), clickhouse::error::Error> {
    let client = INSERT_SETTINGS
        .iter()
        .fold(client.clone(), |client, (name, value)| {
            client.with_setting(*name, *value)
        });
    client.query("SELECT 1").fetch_one::<u8>().await.map(|_| ())
}

/// The tables that blocks go to, those that views fill among them.
const TABLES: [&str; 4] = ["clicks", "conversions", "click_hours", "conversion_numbers"];
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
