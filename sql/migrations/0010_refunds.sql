-- Refunds and cancellations: conversions that take back the sale whose event id is their `reference`.
--
-- A refund's amount_minor is negative. A cancellation has no amount of its own: it takes back all that the
-- sale was worth, which reports know even where the sale comes after it.
ALTER TABLE conversions
    MODIFY COLUMN kind Enum8('lead' = 1, 'sale' = 2, 'refund' = 3, 'cancellation' = 4),
    ADD COLUMN IF NOT EXISTS reference String CODEC(ZSTD(1)) AFTER body_digest;

-- Which events take a sale back: what a refund asks for before it is accepted, by the sale's name. Rows
-- that came twice are harmless here, since only names are read.
CREATE TABLE IF NOT EXISTS refunds
(
    workspace LowCardinality(String),
    reference String CODEC(ZSTD(1)),
    event_id  String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, reference, event_id)
SETTINGS
    non_replicated_deduplication_window = 100000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;

-- Feeds refunds from every insert into conversions.
CREATE MATERIALIZED VIEW IF NOT EXISTS refunds_of_conversions TO refunds AS
SELECT workspace, reference, event_id FROM conversions WHERE reference != '';
