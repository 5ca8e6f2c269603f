-- That a browser has shown the page which a click led to, by w.js. One row for a click: the first to arrive stays,
-- and queries read FINAL or take the lowest confirmed_at of a click.
--
-- Partitioned by the month of the click, which its id tells: so all confirmations of a click are in one partition.
-- A confirmation sent again by the journal is replaced by itself, so inserts need no tokens.
CREATE TABLE IF NOT EXISTS confirmations
(
    workspace    LowCardinality(String),
    click_id     UInt128 CODEC(ZSTD(1)),
    -- The bits of core/src/confirmation.rs.
    marks        UInt16 CODEC(ZSTD(1)),
    -- How long the page had been open, by its own word.
    page_ms      UInt32 CODEC(ZSTD(1)),
    confirmed_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    -- The first 48 bits of the id.
    clicked_at   DateTime64(3, 'UTC') MATERIALIZED fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC') CODEC(Delta(8), ZSTD(1)),
    -- Replacing keeps the highest version: the earliest.
    precedence   UInt64 MATERIALIZED bitNot(toUInt64(toUnixTimestamp64Milli(confirmed_at)))
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(clicked_at)
ORDER BY (workspace, click_id)
-- Synced before the insert is answered: what is acknowledged is freed from the journal.
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
