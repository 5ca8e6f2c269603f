-- Copies the clicks that conversions carry which came since a moment.
-- Parameters:
--   since_ms  when the conversions came, milliseconds since 1970
--   again     1 for those that are copied already, too
INSERT INTO carried_clicks
WITH carried AS
(
    SELECT workspace, click_id
    FROM conversions
    WHERE received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
      AND click_id != 0
      AND ({again:UInt8} = 1 OR click_id NOT IN
      (
          SELECT click_id
          FROM carried_clicks
          WHERE click_id IN (SELECT click_id FROM conversions WHERE received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC'))
      ))
    SETTINGS optimize_move_to_prewhere = 0
)
SELECT *
FROM clicks
-- By the table's key, as in every.sql. No id is another workspace's too.
WHERE indexHint(workspace IN (SELECT workspace FROM carried))
  AND indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')) FROM carried))
  AND click_id IN (SELECT click_id FROM carried)
