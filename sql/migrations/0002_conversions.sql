-- Every accepted conversion. One event id of a workspace counts once, for good: the first that a server
-- sent wins, else the first of all, and reports read FINAL. Conversions are a hundredth of the clicks, so FINAL stays cheap.
-- Not partitioned: an event sent again next year must meet its first self.
CREATE TABLE IF NOT EXISTS conversions
(
    workspace    LowCardinality(String),
    event_id     String CODEC(ZSTD(1)),
    kind         Enum8('lead' = 1, 'sale' = 2),
    name         LowCardinality(String),
    click_id     UInt128 CODEC(ZSTD(1)),
    visitor_id   UInt128 CODEC(ZSTD(1)),
    customer     String CODEC(ZSTD(1)),
    amount_minor Int64 CODEC(ZSTD(1)),
    currency     LowCardinality(String),
    occurred_at  DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    received_at  DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    source       Enum8('pixel' = 1, 'beacon' = 2, 'server' = 3),
    body_digest  UInt128 CODEC(ZSTD(1)),
    lane         UInt64 CODEC(ZSTD(1)),
    seq          UInt64 CODEC(Delta(8), ZSTD(1)),
    -- Replacing keeps the highest version: a server's before anybody's, then the earliest to be accepted.
    precedence   UInt64 MATERIALIZED bitOr(
        bitShiftLeft(toUInt64(source = 'server'), 63),
        bitAnd(bitNot(toUInt64(toUnixTimestamp64Milli(received_at))), 9223372036854775807))
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (workspace, event_id)
-- Tokens and syncs as for clicks.
SETTINGS
    non_replicated_deduplication_window = 100000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
