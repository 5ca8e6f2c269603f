-- Where the projection click_hours is not what clicks adds up to, by workspace and hour. The first row (is_total = 1) is
-- of all hours together.
--
-- The projection is read by itself, as it lies on the disk: a part that has none counts for nothing. The clicks come first
-- because ClickHouse (26.7) takes a table that is named behind mergeTreeProjection for the projection. An hour differs in
-- how many clicks it has, or in the sum of their keys' hashes: so a click that was moved from one cell of an hour to
-- another is found too.
-- differing  how many hours differ, however few are listed
-- Parameters:
--   most  how many hours to list
SELECT is_total, workspace, hour, stored, rolled_up, toUInt64(count() OVER () - 1) AS differing
FROM
(
    SELECT
        toUInt8(grouping(workspace)) AS is_total,
        workspace,
        hour,
        sum(raw) AS stored,
        sum(rolled) AS rolled_up,
        sum(raw_keys) AS stored_keys,
        sum(rolled_keys) AS rolled_up_keys
    FROM
    (
        SELECT
            toString(workspace) AS workspace,
            toUnixTimestamp(toStartOfHour(time)) AS hour,
            count() AS raw,
            toUInt64(0) AS rolled,
            sum(cityHash64(link_id, outcome, verdict, channel, country)) AS raw_keys,
            toUInt64(0) AS rolled_keys
        FROM clicks
        GROUP BY workspace, hour
        UNION ALL
        SELECT
            workspace,
            hour,
            0 AS raw,
            sum(clicks) AS rolled,
            0 AS raw_keys,
            -- Both sums wrap around alike.
            sum(clicks * cityHash64(link_id, outcome, verdict, channel, country)) AS rolled_keys
        FROM
        (
            SELECT
                toString(workspace) AS workspace,
                toUnixTimestamp(`toStartOfHour(time)`) AS hour,
                link_id, outcome, verdict, channel, country,
                finalizeAggregation(`count()`) AS clicks
            FROM mergeTreeProjection(currentDatabase(), 'clicks', 'click_hours')
        )
        GROUP BY workspace, hour
    )
    GROUP BY GROUPING SETS ((workspace, hour), ())
    HAVING is_total = 1 OR stored != rolled_up OR stored_keys != rolled_up_keys
)
ORDER BY is_total DESC, hour, workspace
LIMIT 1 + {most:UInt64}
-- Or the clicks would be counted by what they are compared with.
SETTINGS optimize_use_projections = 0
