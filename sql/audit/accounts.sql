-- What each lane last said of itself. Neither number ever falls, so the highest of each is the latest, however
-- the rows were merged and whatever a clock did.
-- Parameters:
--   lanes  only these; an empty list leaves all in
SELECT
    lane,
    argMax(lanes.service, lanes.reported_at) AS service,
    argMax(lanes.node, lanes.reported_at) AS node,
    argMax(lanes.name, lanes.reported_at) AS name,
    max(lanes.taken) AS taken,
    max(lanes.freed) AS freed,
    toUnixTimestamp64Milli(max(lanes.reported_at)) AS reported_ms
FROM lanes
WHERE empty({lanes:Array(UInt64)}) OR has({lanes:Array(UInt64)}, lane)
GROUP BY lane
ORDER BY lane
