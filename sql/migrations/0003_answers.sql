-- Every answer that a link can give, the variant that took the visitor, and the link's tags.
--
-- Metadata only, whatever the table's size: numbers that an Enum8 gains and columns that are empty need
-- no part rewritten. Parts of the projection by_click_id that were written before keep the old Enum8
-- until they are merged; both read as one.
ALTER TABLE clicks
    MODIFY COLUMN outcome Enum8('redirected' = 1, 'not_found' = 2, 'disabled' = 3, 'pending' = 4, 'expired' = 5, 'used_up' = 6, 'locked' = 7, 'previewed' = 8, 'inspected' = 9),
    ADD COLUMN IF NOT EXISTS variant LowCardinality(String) AFTER advocate,
    ADD COLUMN IF NOT EXISTS tags Array(LowCardinality(String)) AFTER variant;
