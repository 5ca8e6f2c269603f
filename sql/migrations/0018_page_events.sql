-- What people did on a merchant's site besides converting: pages seen, things shared, any step that a funnel asks for.
--
-- An event says whose it is by the click that it carries, by the visitor of the collector's cookie, or by the merchant's
-- name for the customer; at least one of them is there.
-- The same event sent again by the journal has the same id and time, and is replaced by itself: so inserts need no tokens, and
-- queries read FINAL. One that a page or a server sends again within a day, with another time or none, is looked for before it
-- is inserted, and gets the time of the first.
CREATE TABLE IF NOT EXISTS page_events
(
    workspace   LowCardinality(String),
    -- The beginning of the digest of the id that the sender gave, or was given.
    event_id    UInt128 CODEC(ZSTD(1)),
    -- page, share, or whatever else the site calls a step.
    name        LowCardinality(String),
    click_id    UInt128 CODEC(ZSTD(3)),
    visitor_id  UInt128 CODEC(ZSTD(3)),
    customer    String CODEC(ZSTD(3)),
    -- Where it happened; the path without its query.
    page_host   LowCardinality(String),
    page_path   LowCardinality(String) CODEC(ZSTD(3)),
    -- Of a share: which link, for whom, and by what (whatsapp, email).
    link_id     UInt64 CODEC(ZSTD(3)),
    advocate    LowCardinality(String),
    shared_by   LowCardinality(String),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    source      Enum8('pixel' = 1, 'beacon' = 2, 'server' = 3),
    lane        UInt64 CODEC(ZSTD(1)),
    seq         UInt64 CODEC(Delta(8), ZSTD(1)),
    -- Replacing keeps the highest version: a server's before anybody's, then the earliest to be accepted.
    precedence  UInt64 MATERIALIZED bitOr(
        bitShiftLeft(toUInt64(source = 'server'), 63),
        bitAnd(bitNot(toUInt64(toUnixTimestamp64Milli(received_at))), 9223372036854775807))
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (workspace, toStartOfHour(occurred_at), event_id)
-- Synced before the insert is answered: what is acknowledged is freed from the journal.
SETTINGS
    default_compression_codec = 'ZSTD(3)',
    fsync_after_insert = 1,
    fsync_part_directory = 1;

-- page_event: the id of one of a person's, and in stand_in the one that takes its place, as a number. Metadata only.
ALTER TABLE persons
    MODIFY COLUMN kind Enum8('subject' = 1, 'salt' = 2, 'visitor' = 3, 'click' = 4, 'customer' = 5, 'event' = 6, 'stand_in' = 7, 'wiped' = 8, 'page_event' = 9);
