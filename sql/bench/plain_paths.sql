-- What one would write to give the paths by channel to a program that computes removal effects and Shapley values: how often each was
-- gone, and how often it ended in a sale.
-- Parameters: workspace, from_ms, to_ms.
SELECT arrayMap(touch -> touch.2, way) AS path, count() AS often, countIf(sales > 0) AS converted, sum(worth) AS revenue
FROM
(
    SELECT
        visitor_id,
        arraySort(groupArray((toUnixTimestamp64Milli(time), toString(channel)))) AS way,
        any(conversion.sales) AS sales,
        any(conversion.worth) AS worth
    FROM clicks
    LEFT JOIN
    (
        SELECT visitor_id, count() AS sales, sum(amount_minor) AS worth
        FROM conversions FINAL
        WHERE workspace = {workspace:String} AND kind = 'sale' AND visitor_id != 0
          AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
        GROUP BY visitor_id
    ) AS conversion USING (visitor_id)
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND outcome = 'redirected' AND verdict IN ('human', 'duplicate') AND visitor_id != 0
    GROUP BY visitor_id
)
GROUP BY path
