-- Numbers that did not arrive, and why, where the journal or ingest knows.
CREATE TABLE IF NOT EXISTS lane_gaps
(
    lane        UInt64,
    first       UInt64,
    last        UInt64,
    -- refused: the journal had no room, or the record was above its limit. damaged: on the journal's disk.
    -- unreadable: ingest could not make a row of it. set_aside: refused for good, kept on the node.
    reason      Enum8('refused' = 1, 'damaged' = 2, 'unreadable' = 3, 'set_aside' = 4),
    detail      String CODEC(ZSTD(1)),
    reported_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(reported_at)
ORDER BY (lane, first, last, reason);
