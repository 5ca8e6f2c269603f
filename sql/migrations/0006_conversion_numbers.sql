-- Which number of which lane each stored conversion has. The table conversions keeps one row for an event;
-- this one keeps all that came, so that an audit can tell a loss from an event that was sent twice.
CREATE TABLE IF NOT EXISTS conversion_numbers
(
    workspace   LowCardinality(String),
    event_id    String CODEC(ZSTD(1)),
    lane        UInt64 CODEC(ZSTD(1)),
    seq         UInt64 CODEC(Delta(8), ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (lane, seq)
SETTINGS
    non_replicated_deduplication_window = 100000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
