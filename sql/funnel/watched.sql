-- The clicks of those who must be looked at one by one. Stands behind marks.sql.
-- SPLIT is split.sql or split_list.sql. No click names a customer.
-- Parameters: most, the most of them.
SELECT
    identity,
    toUInt128(0) AS customer_of,
    toUnixTimestamp64Milli(time) AS at,
    click_id AS id,
    steps,
    excluded,
    SPLIT AS split
FROM masked
WHERE toUInt32(identity) IN (SELECT mark FROM watched)
LIMIT {most:UInt64}
-- What is asked of a click is read at once, and not column after column for those that passed so far: nearly all do.
SETTINGS enable_multiple_prewhere_read_steps = 0
