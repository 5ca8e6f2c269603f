-- What belongs to a person whose data is asked for or erased at the moment: their ids, by request.
--
-- Kept until the request is done: an erasure that was broken off, or that waits for a machine which is away, is finished
-- from here. Nothing of it stays: a partition is one request, and is dropped as a whole.
CREATE TABLE IF NOT EXISTS persons
(
    request   String,
    workspace LowCardinality(String),
    -- subject: what was asked, as JSON. salt: what ids become unrecognisable by. stand_in: an event's name and the one
    -- that takes its place. wiped: a journal lane whose files were gone through.
    kind      Enum8('subject' = 1, 'salt' = 2, 'visitor' = 3, 'click' = 4, 'customer' = 5, 'event' = 6, 'stand_in' = 7, 'wiped' = 8),
    id        UInt128,
    name      String,
    stand_in  String
)
ENGINE = MergeTree
PARTITION BY request
ORDER BY (kind, id, name)
-- What was dropped goes from the disk at once, and is not kept for the case that a merge was not written through.
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    old_parts_lifetime = 1;
