-- What the journals say of themselves, the latest of each lane: how many numbers it has given out, and
-- below which all have been delivered. With (lane, seq) of the rows, this tells what waits from what is lost.
CREATE TABLE IF NOT EXISTS lanes
(
    lane        UInt64,
    -- Which service writes the lane, on which machine, and the name of its directory there.
    service     LowCardinality(String),
    node        String,
    name        String,
    -- The highest number given out; none is 0.
    taken       UInt64,
    -- All numbers up to it were delivered, set aside or lost.
    freed       UInt64,
    reported_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(reported_at)
ORDER BY lane;
