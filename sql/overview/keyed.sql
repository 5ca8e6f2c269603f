-- Clicks with the interval that they lie in and what they are told apart by. Stands behind sql/query/selected.sql.
--
-- CLICKS is the name before; VALUES are value_0, value_1 and so on, a line of value.sql each.
-- Parameters:
--   edges        where intervals begin, in seconds since 1970, ascending, the first not after the range
--   whole_hours  1 where all of these are whole hours: then the time is not read
, keyed AS
(
    SELECT
        *,
        VALUES
        roundDown(if({whole_hours:UInt8} = 1, toInt64(toUnixTimestamp(hour_of_click)), second), {edges:Array(Int64)}) AS bucket_of_click
    FROM CLICKS
)
