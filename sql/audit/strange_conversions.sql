-- Rows of conversions whose number was never noted: they have not come through a journal.
--
-- A block is not in both tables in the same instant, and where ClickHouse fails in between it is sent again: so
-- only numbers count here that their lane is done with, or that are of a lane which has never reported.
-- total  how many there are, however few are listed
-- Parameters:
--   most  how many to list
SELECT workspace, event_id, lane, seq, count() OVER () AS total
FROM
(
    SELECT
        lane,
        seq,
        anyIf(toString(workspace), NOT has_come) AS workspace,
        anyIf(event_id, NOT has_come) AS event_id,
        countIf(has_come) AS numbers
    FROM
    (
        SELECT workspace, event_id, lane, seq, true AS has_come FROM conversion_numbers
        UNION ALL
        SELECT workspace, event_id, lane, seq, false AS has_come FROM conversions
    )
    GROUP BY lane, seq
    HAVING numbers = 0
) AS strange
LEFT JOIN (SELECT lane, max(lanes.freed) AS done, 1 AS has_reported FROM lanes GROUP BY lane) AS account USING (lane)
LEFT JOIN (SELECT lane, max(last) AS upto FROM lane_gaps WHERE reason = 'expired' GROUP BY lane) AS expired USING (lane)
WHERE (has_reported = 0 OR seq <= done) AND (seq > upto OR upto = 0)
ORDER BY workspace, event_id, lane, seq
LIMIT {most:UInt64}
