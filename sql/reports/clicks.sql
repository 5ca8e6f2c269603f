-- Clicks over time: clicks and visitors in each interval, and over the whole range.
--
-- bucket is the second since 1970 at which an interval begins, one of `edges`; only intervals with
-- clicks come back, the others are zero. The row with is_total = 1 is of the whole range: a visitor
-- of two intervals is one visitor there.
-- visitors: distinct visitor ids. A click with visitor_id 0 has no known visitor; it is a click only.
-- Parameters: those of selected.sql, and
--   edges  where intervals begin, in seconds since 1970, ascending, the first not after from_ms. They
--          come with the question, so that one set of time zone rules decides where a day ends.
SELECT
    toUInt8(grouping(bucket)) AS is_total,
    roundDown(intDiv(toUnixTimestamp64Milli(time), 1000), {edges:Array(Int64)}) AS bucket,
    count() AS clicks,
    uniqExactIf(visitor_id, visitor_id != 0) AS visitors
FROM selected
GROUP BY GROUPING SETS ((bucket), ())
ORDER BY is_total DESC, bucket
