-- Up to which number of each lane retention may have removed the rows (sql/retention/expiring.sql).
-- Parameters:
--   lanes  only these; an empty list leaves all in
SELECT lane, max(last) AS upto
FROM lane_gaps
WHERE reason = 'expired' AND (empty({lanes:Array(UInt64)}) OR has({lanes:Array(UInt64)}, lane))
GROUP BY lane
