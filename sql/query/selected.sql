-- The clicks that a query is about, under the name `selected`. Stands behind whatever opened the list of names.
--
-- A click counts when it was redirected; a request that found no link is an orphan and never counts.
-- Parameters:
--   workspace    whose clicks
--   from_ms      milliseconds since 1970, included
--   to_ms        milliseconds since 1970, excluded
--   all_traffic  0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   shifts, offsets  the workspace's clock: from which second on it is how many seconds ahead of UTC
-- WHERE ends with the question's own filter. STORED is `clicks`, or `every_carried` of sql/carried/every.sql.
, selected AS
(
    SELECT
        *,
        in_hour AS hour_of_click,
        '' AS nothing,
        intDiv(toUnixTimestamp64Milli(time), 1000) AS second,
        -- Days since 1970-01-01, a Thursday, by the workspace's clock.
        second + {offsets:Array(Int32)}[arrayLastIndex(shift -> shift <= second, {shifts:Array(Int64)})] AS clock,
        modulo(intDiv(clock, 86400) + 3, 7) * 24 + intDiv(modulo(clock, 86400), 3600) AS hour_of_week
    FROM STORED
    WHERE workspace = {workspace:String}
      -- Of a range of whole hours the time is not read (migration 0021).
      AND in_hour >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3599, 0), 'UTC')
      AND in_hour < toDateTime(least(greatest(intDiv({to_ms:Int64} + 999, 1000), 0), 4294967295), 'UTC')
      AND
      (
          modulo({from_ms:Int64}, 3600000) = 0 AND modulo({to_ms:Int64}, 3600000) = 0
          OR time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      )
      -- The table's key has the hour behind the workspace, and time only behind the link. ClickHouse takes conditions on time
      -- for the latter alone and would read whole months; this chooses granules and is not looked at again.
      -- An hour is a DateTime, which ends in 2106.
      AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
          AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      AND
