-- Which numbers of some buckets are stored more than once, and how often; of each lane the first ones.
-- Parameters:
--   table           clicks or conversion_numbers
--   lanes, buckets  the buckets: the lane and the number of each
--   most            how many numbers of a lane
SELECT lane, seq, count() AS rows
FROM {table:Identifier}
WHERE seq > 0
  AND (lane, intDiv(seq, 65536)) IN (SELECT arrayJoin(arrayZip({lanes:Array(UInt64)}, {buckets:Array(UInt64)})))
GROUP BY lane, seq
HAVING rows > 1
ORDER BY lane, seq
LIMIT {most:UInt64} BY lane
