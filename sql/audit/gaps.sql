-- What is known of numbers that did not arrive, where it touches what is missing; the latest word last.
-- Parameters:
--   lanes, froms, tos  the lanes with missing numbers, and the first and the last of them
--   most               how many rows of a lane
SELECT
    lane,
    first,
    last,
    toString(reason) AS why,
    argMax(lane_gaps.detail, lane_gaps.reported_at) AS detail
FROM lane_gaps
WHERE arrayExists(
    (of, from, to) -> lane = of AND last >= from AND first <= to,
    {lanes:Array(UInt64)}, {froms:Array(UInt64)}, {tos:Array(UInt64)})
GROUP BY lane, first, last, reason
ORDER BY lane, max(lane_gaps.reported_at)
LIMIT {most:UInt64} BY lane
