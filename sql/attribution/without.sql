-- The paths of visitors who did not convert: what a model that learns from paths holds against those that did. The touches
-- are the visitor's clicks in the range; alike paths are counted together.
-- Stands behind people.sql.
-- Parameters: workspace, and
--   from_ms, to_ms  when the clicks were, milliseconds since 1970, the end excluded
--   all_traffic     0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   by              a column: what touches are called by
SELECT labels, count() AS often
FROM
(
    SELECT arrayMap(touch -> touch.3, arraySlice(arraySort(groupArray((time, click_id, toString({by:Identifier})))), -1000)) AS labels
    FROM clicks
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      -- Which granules: as in sql/query/selected.sql.
      AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
          AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      AND visitor_id != 0
      AND visitor_id NOT IN (SELECT visitor FROM known)
    GROUP BY visitor_id
)
GROUP BY labels
ORDER BY labels
