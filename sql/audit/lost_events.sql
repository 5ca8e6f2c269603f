-- Conversions that have come and have no row: their number is stored, their event is not.
--
-- total  how many there are, however few are listed
-- Parameters:
--   most  how many to list
SELECT event.1 AS workspace, event.2 AS event_id, number.1 AS lane, number.2 AS seq, count() OVER () AS total
FROM
(
    SELECT
        (toString(workspace), event_id) AS event,
        minIf((lane, seq), has_come) AS number,
        number.1 AS of_lane,
        countIf(has_come) AS numbers,
        countIf(NOT has_come) AS kept
    FROM
    (
        SELECT workspace, event_id, lane, seq, true AS has_come FROM conversion_numbers
        UNION ALL
        SELECT workspace, event_id, lane, seq, false AS has_come FROM conversions
    )
    GROUP BY event
    HAVING kept = 0
) AS lost
-- Of what retention may have removed the one may have gone before the other.
LEFT JOIN (SELECT lane AS of_lane, max(last) AS upto FROM lane_gaps WHERE reason = 'expired' GROUP BY lane) AS expired USING (of_lane)
WHERE number.2 > upto OR upto = 0
ORDER BY workspace, event_id
LIMIT {most:UInt64}
