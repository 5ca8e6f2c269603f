-- The opening of variants.sql: the clicks that it compares, under the name `selected`. Behind it stands
-- sql/reports/attributed.sql, so that a conversion is owed to the same click as in every report.
--
-- People's clicks alone, and only those that the weights decided: where a rule did, or the device had a
-- destination of its own, `variant` is empty.
-- Parameters:
--   workspace  whose clicks
--   links      the links to compare within, each by itself
--   since      for each of them, in milliseconds since 1970: only clicks from then on
WITH selected AS
(
    SELECT link_id, variant, click_id, time
    FROM clicks
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli(arrayMin({since:Array(Int64)}), 'UTC')
      AND has({links:Array(UInt64)}, link_id)
      AND time >= fromUnixTimestamp64Milli({since:Array(Int64)}[indexOf({links:Array(UInt64)}, link_id)], 'UTC')
      AND variant != ''
      AND outcome = 'redirected'
      AND verdict IN ('human', 'duplicate')
)
