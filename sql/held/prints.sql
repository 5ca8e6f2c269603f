-- The clicks of people in each hour of a time: how many, and which, in one number. Out of the projection of migration 0022.
-- What counts is told in sql/query/selected.sql, and must be the same.
-- Parameters:
--   workspace
--   first_hour   second since 1970 at which the first hour begins
--   behind_hour  and the first that is not meant
SELECT
    toUInt32(intDiv(toUnixTimestamp(toStartOfHour(time)), 3600)) AS hour,
    count() AS clicks,
    sum(cityHash64(time, visitor_id, channel, source, link_id, country, device, browser)) AS print
FROM clicks
WHERE workspace = {workspace:String}
  AND toStartOfHour(time) >= toDateTime({first_hour:Int64}, 'UTC')
  AND toStartOfHour(time) < toDateTime({behind_hour:Int64}, 'UTC')
  AND outcome = 'redirected'
  AND verdict IN ('human', 'duplicate')
GROUP BY toStartOfHour(time)
ORDER BY hour
