-- Every request to a short link, one row each, whatever it seems to be: reports choose by verdict.
--
-- Key: reports ask for one workspace and a range of time, then group by link or by what is alike
-- within a link; sorting an hour by link puts equal texts side by side, which halves their size.
-- Monthly partitions: retention drops whole months.
-- (lane, seq) is the row's identity: a gap is a loss, a repeat is a duplicate.
CREATE TABLE IF NOT EXISTS clicks
(
    workspace       LowCardinality(String),
    time            DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    click_id        UInt128 CODEC(ZSTD(1)),
    lane            UInt64 CODEC(ZSTD(1)),
    seq             UInt64 CODEC(Delta(8), ZSTD(1)),
    outcome         Enum8('redirected' = 1, 'not_found' = 2),
    method          Enum8('GET' = 1, 'HEAD' = 2, 'POST' = 3),
    link_id         UInt64 CODEC(ZSTD(1)),
    domain          LowCardinality(String),
    slug            String CODEC(ZSTD(1)),
    query           String CODEC(ZSTD(1)),
    visitor_id      UInt128 CODEC(ZSTD(1)),
    new_visitor     Bool,
    address_prefix  IPv6 CODEC(ZSTD(1)),
    country         LowCardinality(String),
    browser         LowCardinality(String),
    browser_version LowCardinality(String),
    os              LowCardinality(String),
    os_version      LowCardinality(String),
    device          LowCardinality(String),
    agent_class     Enum8('none' = 0, 'browser' = 1, 'declared_bot' = 2, 'other' = 3),
    user_agent      String CODEC(ZSTD(1)),
    language        LowCardinality(String),
    referrer        String CODEC(ZSTD(1)),
    referrer_host   LowCardinality(String),
    channel         LowCardinality(String),
    source          LowCardinality(String),
    campaign        LowCardinality(String),
    utm_source      LowCardinality(String),
    utm_medium      LowCardinality(String),
    utm_campaign    LowCardinality(String),
    utm_term        String CODEC(ZSTD(1)),
    utm_content     String CODEC(ZSTD(1)),
    program         LowCardinality(String),
    advocate        String CODEC(ZSTD(1)),
    verdict         Enum8('human' = 1, 'bot' = 2, 'preview' = 3, 'prefetch' = 4, 'scanner' = 5, 'monitor' = 6, 'duplicate' = 7, 'suspect' = 8),
    reasons         Array(LowCardinality(String)),
    rules           UInt16 CODEC(ZSTD(1)),
    -- Look-up by click id: what a conversion needs to know of its click. A projection lies in the same
    -- part as its rows, so it can neither lose nor double what they say.
    PROJECTION by_click_id
    (
        SELECT workspace, click_id, time, link_id, visitor_id, outcome, verdict, channel, source
        ORDER BY workspace, click_id
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (workspace, toStartOfHour(time), link_id, time)
-- The tokens of the last 100,000 blocks are remembered. A block may come again after its token is
-- forgotten; one that is late is therefore looked up first (sql/lookups/clicks_of_block.sql).
-- Synced before the insert is answered: what is acknowledged is freed from the journal.
SETTINGS
    non_replicated_deduplication_window = 100000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
