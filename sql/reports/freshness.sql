-- The last click and the last conversion that a workspace has, in milliseconds since 1970; 0 for none.
--
-- The last hour with clicks is found from the end of the sorting key, so this reads one hour, not all.
-- Parameters: workspace.
SELECT
    toUnixTimestamp64Milli(max(time)) AS last_click_ms,
    assumeNotNull((
        SELECT toUnixTimestamp64Milli(max(received_at))
        FROM conversions
        WHERE workspace = {workspace:String}
    )) AS last_conversion_ms
FROM clicks
WHERE workspace = {workspace:String}
  AND outcome = 'redirected'
  AND toStartOfHour(time) =
  (
      SELECT toStartOfHour(time)
      FROM clicks
      WHERE workspace = {workspace:String} AND outcome = 'redirected'
      ORDER BY workspace DESC, toStartOfHour(time) DESC
      LIMIT 1
  )
