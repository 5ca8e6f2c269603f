-- The clicks that conversions carry, once more: one in some hundred, so that reports on conversions need not read all clicks.
--
-- Copies, which may go at any time: ingest copies what is missing, and reports look for that among the clicks themselves
-- (sql/carried). The same click copied again replaces itself. What changes a click has its copy thrown away.
-- Columns are those of clicks, in their order: a migration that adds one there adds it here.
CREATE TABLE IF NOT EXISTS carried_clicks
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (workspace, click_id, lane, seq)
SETTINGS default_compression_codec = 'ZSTD(3)'
EMPTY AS SELECT * FROM clicks;
