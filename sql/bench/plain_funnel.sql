-- What one would write for a funnel from click to lead to sale: ClickHouse's own function, over visitors. (It knows no customers, nor
-- what a sale without a click is owed to.)
-- Parameters: workspace, from_ms, to_ms.
SELECT level, count() AS people
FROM
(
    SELECT visitor_id, windowFunnel(2592000000)(at, kind = 'click', kind = 'lead', kind = 'sale') AS level
    FROM
    (
        SELECT visitor_id, toUInt64(toUnixTimestamp64Milli(time)) AS at, 'click' AS kind
        FROM clicks
        WHERE workspace = {workspace:String}
          AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          AND outcome = 'redirected' AND verdict IN ('human', 'duplicate') AND visitor_id != 0
        UNION ALL
        SELECT visitor_id, toUInt64(toUnixTimestamp64Milli(occurred_at)) AS at, toString(kind) AS kind
        FROM conversions FINAL
        WHERE workspace = {workspace:String}
          AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND visitor_id != 0
    )
    GROUP BY visitor_id
)
GROUP BY level
ORDER BY level
