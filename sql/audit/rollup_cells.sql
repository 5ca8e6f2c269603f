-- The cells of some hours in which click_hours is not what clicks adds up to.
--
-- A block is not in both tables in the same instant, and where ClickHouse fails in between it is sent again: so a
-- cell is wrong where it has fewer clicks than those that their lane is done with (or whose lane has never
-- reported), or more than there are.
-- Parameters:
--   workspaces, hours  the hours: the workspace, and the second since 1970 at which each begins
--   most               how many cells to list
WITH
    asked AS
    (
        SELECT asked.1 AS workspace, toDateTime(asked.2, 'UTC') AS hour
        FROM (SELECT arrayJoin(arrayZip({workspaces:Array(String)}, {hours:Array(UInt32)})) AS asked)
    )
SELECT
    key.1 AS workspace, key.2 AS hour, key.3 AS link_id, key.4 AS outcome, key.5 AS verdict, key.6 AS channel,
    key.7 AS country, stored, rolled_up
FROM
(
    SELECT key, sum(raw) AS stored, sum(settled) AS done, sum(rolled) AS rolled_up
    FROM
    (
        SELECT
            (
                toString(workspace), toUnixTimestamp(toStartOfHour(time)), link_id, toString(outcome),
                toString(verdict), toString(channel), toString(country)
            ) AS key,
            count() AS raw,
            countIf(has_reported = 0 OR seq <= account.done) AS settled,
            toUInt64(0) AS rolled
        FROM clicks
        LEFT JOIN (SELECT lane, max(lanes.freed) AS done, 1 AS has_reported FROM lanes GROUP BY lane) AS account USING (lane)
        WHERE (workspace, toStartOfHour(time)) IN asked
        GROUP BY key
        UNION ALL
        SELECT
            (
                toString(workspace), toUnixTimestamp(hour), link_id, toString(outcome),
                toString(verdict), toString(channel), toString(country)
            ) AS key,
            0 AS raw,
            0 AS settled,
            sum(clicks) AS rolled
        FROM click_hours
        WHERE (workspace, hour) IN asked
        GROUP BY key
    )
    GROUP BY key
    HAVING rolled_up < done OR rolled_up > stored
)
ORDER BY hour, workspace, link_id, outcome, verdict, channel, country
LIMIT {most:UInt64}
