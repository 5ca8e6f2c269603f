-- The clicks of the visitors whom conversions carry, by themselves or by the click that they carry, that can be touches; perhaps those of others.
-- Stands behind theirs.sql, PASSES as there.
-- Parameters: those of carried.sql, and
--   look_back_ms  how long before the conversion a click may be: the range does not bound it
SELECT click_id, visitor_id, toUnixTimestamp64Milli(time) AS at, toString({by:Identifier}) AS label, toUInt8(1) AS counts
FROM clicks
WHERE workspace = {workspace:String}
  -- As in sql/query/selected.sql.
  AND in_hour >= toDateTime(greatest(intDiv({from_ms:Int64} - {look_back_ms:Int64}, 1000) - 3599, 0), 'UTC')
  AND in_hour < toDateTime(least(greatest(intDiv({to_ms:Int64} + 999, 1000), 0), 4294967295), 'UTC')
  AND
  (
      modulo({from_ms:Int64} - {look_back_ms:Int64}, 3600000) = 0 AND modulo({to_ms:Int64}, 3600000) = 0
      OR time >= fromUnixTimestamp64Milli({from_ms:Int64} - {look_back_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
  )
  -- Which granules: as in sql/query/selected.sql.
  AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64} - {look_back_ms:Int64}, 1000) - 3600, 0), 'UTC')
      AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
  AND outcome = 'redirected'
  AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
  AND PASSES
  AND visitor_id != 0
  -- By the lower 32 bits, which are looked up in half the time: whoever has the same by chance converted nothing and is left alone.
  AND toUInt32(visitor_id) IN
  (
      SELECT toUInt32(visitor_id) FROM theirs
      UNION DISTINCT
      SELECT toUInt32(visitor_id) FROM carried
  )
