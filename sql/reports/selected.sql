-- The opening of every report: the clicks that it is about, under the name `selected`.
--
-- A click counts when it was redirected; a request that found no link is an orphan and never counts.
-- Parameters:
--   workspace    whose clicks
--   from_ms      milliseconds since 1970, included
--   to_ms        milliseconds since 1970, excluded
--   all_traffic  0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   channels, sources, links  only clicks with one of these values; an empty list leaves all in
WITH selected AS
(
    SELECT *
    FROM clicks
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      -- The table's key has the hour behind the workspace, and time only behind the link. ClickHouse takes conditions on time
      -- for the latter alone and would read whole months; this chooses granules and is not looked at again.
      -- An hour is a DateTime, which ends in 2106.
      AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
          AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      AND (empty({channels:Array(String)}) OR has({channels:Array(String)}, channel))
      AND (empty({sources:Array(String)}) OR has({sources:Array(String)}, source))
      AND (empty({links:Array(UInt64)}) OR has({links:Array(UInt64)}, link_id))
)
