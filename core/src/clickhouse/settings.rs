//! The settings that exactly-once rests on, sent with every insert and never left to a server's
//! defaults, which have moved before (26.2 and 26.3 both changed what an insert does).

use clickhouse::Client;

/// Sent with every insert of a block.
///
/// A block must stay one block inside the engine: the deduplication token is per block, and an insert
/// is atomic only within one.
pub const INSERT_SETTINGS: &[(&str, &str)] = &[
    // Asynchronous inserts answer before the rows are there and have lost them.
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    // A block sent again must not count twice in a view either.
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    // Above any block that a shipper seals, so that the engine never cuts one in two.
    ("max_insert_block_size", "1048576"),
    ("min_insert_block_size_rows", "1048576"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
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
