-- Opens what is asked of clicks: what the people whose conversions are asked for have carried, under the name `theirs`.
-- Parameters: those of conversions.sql.
WITH theirs AS
(
    SELECT click_id, visitor_id
    FROM conversions FINAL
    WHERE workspace = {workspace:String}
      AND
      (
          occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
          AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          AND has({kinds:Array(String)}, toString(kind))
          OR customer IN
          (
              SELECT customer
              FROM conversions FINAL
              WHERE workspace = {workspace:String}
                AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
                AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
                AND has({kinds:Array(String)}, toString(kind))
                AND customer != ''
          )
      )
),
carried AS
(
    SELECT
        click_id,
        visitor_id,
        toUnixTimestamp64Milli(time) AS at,
        toString({by:Identifier}) AS label,
        outcome = 'redirected' AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate')) AS counts
    FROM clicks
    -- A click's id begins with its time: with the hour, its row is found by the table's key.
    WHERE workspace = {workspace:String}
      AND (toStartOfHour(time), click_id) IN
      (
          SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')), click_id
          FROM theirs
          WHERE click_id != 0
      )
)
