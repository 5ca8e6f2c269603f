-- How many people entered by a click, where nobody asks when or by what. Stands behind masked.sql.
--
-- With those who are looked at one by one, as in entries.sql. Who has no visitor is one for each click.
-- Parameters: those of masked.sql, and
--   entries  the bits of the steps that can be an entry
SELECT toUInt64(sum(if(visitor_id != 0, 1, clicks))) AS people
FROM
(
    SELECT visitor_id, count() AS clicks
    FROM masked
    WHERE bitAnd(steps, {entries:UInt16}) != 0
    GROUP BY visitor_id
    -- As in watched.sql.
    SETTINGS enable_multiple_prewhere_read_steps = 0
)
