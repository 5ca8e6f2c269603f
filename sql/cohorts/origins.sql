-- The clicks that conversions are owed to and that count, under the name `origins`. Stands behind sql/reports/attributed.sql.
--
-- PASSES is the question's own condition on clicks.
-- Parameters: workspace, all_traffic and by as in clicked.sql.
, origins AS
(
    SELECT
        '' AS nothing,
        click_id,
        min(toUnixTimestamp64Milli(time)) AS clicked_at,
        any(toString({by:Identifier})) AS value,
        any(toUInt8(PASSES)) AS passes
    FROM clicks
    WHERE workspace = {workspace:String}
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      -- A click's id begins with its time: the hour leads to its row by the table's key, and need not be looked at again there.
      AND indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(owed_to, 80)), 'UTC')) FROM attributed WHERE owed_to != 0))
      AND click_id IN (SELECT owed_to FROM attributed WHERE owed_to != 0)
    GROUP BY click_id
)
