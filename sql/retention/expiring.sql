-- Notes which numbers of each lane may be removed from now on: all up to the highest that is in a row of this age. A lane
-- gives its numbers out in the order of time, so that each of them is at least as old.
-- Parameters:
--   table, time  the table, and the column with a row's time
--   seconds      how old a row is that is to be noted
--   detail       which retention it is
INSERT INTO lane_gaps
SELECT lane, 1 AS first, max(seq) AS last, 'expired' AS reason, {detail:String} AS detail, now64(3) AS reported_at
FROM {table:Identifier}
WHERE seq > 0 AND {time:Identifier} < now64(3) - toIntervalSecond({seconds:UInt64})
GROUP BY lane
