-- Everybody who entered by a click, by when and by what of their first. Stands behind masked.sql.
--
-- With those who are looked at one by one, who are taken off again where their clicks are known: nobody is looked up here.
--
-- bucket   the second since 1970 at which an interval begins, one of `edges`
-- people   of them, by value; who entered with a click of several values counts under each
-- open     those of them who still have time for the next step
-- first_*  the same, each person once
-- ENTERED_BY is entered_by.sql, entered_by_list.sql or no_split.sql.
-- Parameters: those of masked.sql, and
--   entries   the bits of the steps that can be an entry
--   edges     where intervals begin, in seconds since 1970, ascending; [0] where none are asked for
--   open_ms   who entered then or later still has time
--   most      the most rows
SELECT
    roundDown(intDiv(entered, 1000), {edges:Array(Int64)}) AS bucket,
    value,
    count() AS people,
    countIf(entered >= {open_ms:Int64}) AS open,
    countIf(place = 1) AS first_people,
    countIf(place = 1 AND entered >= {open_ms:Int64}) AS first_open
FROM
(
    SELECT min(toUnixTimestamp64Milli(time)) AS entered, ENTERED_BY AS split
    FROM masked
    WHERE bitAnd(steps, {entries:UInt16}) != 0
    GROUP BY identity
    -- As in watched.sql.
    SETTINGS enable_multiple_prewhere_read_steps = 0
)
ARRAY JOIN split AS value, arrayEnumerate(split) AS place
GROUP BY bucket, value
LIMIT {most:UInt64}
