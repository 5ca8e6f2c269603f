-- The clicks of the visitors whom conversions carry, by themselves or by the click that they carry, that can be touches.
-- Stands behind theirs.sql, PASSES as there.
-- Parameters: those of carried.sql, and
--   look_back_ms  how long before the conversion a click may be: the range does not bound it
SELECT click_id, visitor_id, toUnixTimestamp64Milli(time) AS at, toString({by:Identifier}) AS label, toUInt8(1) AS counts
FROM clicks
WHERE workspace = {workspace:String}
  AND time >= fromUnixTimestamp64Milli({from_ms:Int64} - {look_back_ms:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
  AND outcome = 'redirected'
  AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
  AND PASSES
  AND visitor_id != 0
  AND visitor_id IN
  (
      SELECT visitor_id FROM theirs
      UNION ALL
      SELECT visitor_id FROM carried
  )
