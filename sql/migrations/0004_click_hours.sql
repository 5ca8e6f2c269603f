-- Clicks by the hour: what dashboards ask most, ready added up. Fed by click_hours_of_clicks.
--
-- Equal to the raw table: an insert that is dropped for its token is dropped here too.
CREATE TABLE IF NOT EXISTS click_hours
(
    workspace LowCardinality(String),
    hour      DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    link_id   UInt64 CODEC(ZSTD(1)),
    outcome   Enum8('redirected' = 1, 'not_found' = 2, 'disabled' = 3, 'pending' = 4, 'expired' = 5, 'used_up' = 6, 'locked' = 7, 'previewed' = 8, 'inspected' = 9),
    verdict   Enum8('human' = 1, 'bot' = 2, 'preview' = 3, 'prefetch' = 4, 'scanner' = 5, 'monitor' = 6, 'duplicate' = 7, 'suspect' = 8),
    channel   LowCardinality(String),
    country   LowCardinality(String),
    clicks    UInt64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree(clicks)
PARTITION BY toYYYYMM(hour)
ORDER BY (workspace, hour, link_id, outcome, verdict, channel, country)
SETTINGS
    non_replicated_deduplication_window = 100000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
