-- The cells of some hours in which the projection click_hours is not what clicks adds up to.
--
-- The two are not read in the same instant: so a cell is wrong where the projection has fewer clicks than those that
-- their lane is done with (or whose lane has never reported), or more than there are. Why the clicks come first, says
-- rollup_hours.sql.
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
                toString(workspace), toUnixTimestamp(`toStartOfHour(time)`), link_id, toString(outcome),
                toString(verdict), toString(channel), toString(country)
            ) AS key,
            0 AS raw,
            0 AS settled,
            countMerge(`count()`) AS rolled
        FROM mergeTreeProjection(currentDatabase(), 'clicks', 'click_hours')
        WHERE (workspace, `toStartOfHour(time)`) IN asked
        GROUP BY key
    )
    GROUP BY key
    HAVING rolled_up < done OR rolled_up > stored
)
ORDER BY hour, workspace, link_id, outcome, verdict, channel, country
LIMIT {most:UInt64}
SETTINGS optimize_use_projections = 0
