-- The merchant's names of those who converted in the range.
-- Parameters: workspace, from_ms and to_ms as in clicks.sql, and
--   goals  lead, sale or both: the kinds that make a customer
--   most  how many
SELECT customer
FROM conversions FINAL
WHERE workspace = {workspace:String}
  AND customer != ''
  AND has({goals:Array(String)}, toString(kind))
  AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
  AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
GROUP BY customer
LIMIT {most:UInt64}
