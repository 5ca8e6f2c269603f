-- What the people whose conversions are asked for have carried, under the name `theirs`, and the clicks of it that are stored, under
-- the name `carried`. Stands behind sql/carried/every.sql.
-- PASSES is a further condition on what can be a touch.
-- Parameters: those of conversions.sql.
, theirs AS
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
        outcome = 'redirected' AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate')) AND PASSES AS counts
    FROM every_carried
    WHERE click_id IN (SELECT click_id FROM theirs WHERE click_id != 0)
)
