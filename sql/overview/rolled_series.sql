-- All clicks together and by interval, hour by hour.
-- Parameters:
--   edges  where intervals begin, in seconds since 1970, ascending, each at a full hour, the first not after the range
SELECT
    toUInt8(arrayJoin([0, 1])) AS part,
    if(part = 1, bucket_of_hour, 0) AS bucket,
    '' AS key,
    sum(clicks_of_bucket) AS clicks
FROM
(
    SELECT
        roundDown(toInt64(toUnixTimestamp(toStartOfHour(time))), {edges:Array(Int64)}) AS bucket_of_hour,
        count() AS clicks_of_bucket
    FROM hours
    GROUP BY bucket_of_hour
)
GROUP BY part, bucket
