-- What one would write for a series by day: clicks, visitors and what the clicks led to.
-- Parameters: workspace, from_ms, to_ms.
SELECT
    toStartOfDay(time) AS day, count() AS clicks, uniqExact(visitor_id) AS visitors,
    sum(leads) AS led, sum(sales) AS sold, countIf(leads + sales > 0) AS converted, sum(amount) AS revenue
FROM clicks
LEFT JOIN
(
    SELECT click_id, countIf(kind = 'lead') AS leads, countIf(kind = 'sale') AS sales, sumIf(amount_minor, kind = 'sale') AS amount
    FROM conversions FINAL
    WHERE workspace = {workspace:String} AND click_id != 0
    GROUP BY click_id
) AS conversion USING (click_id)
WHERE workspace = {workspace:String}
  AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
  AND outcome = 'redirected' AND verdict IN ('human', 'duplicate')
GROUP BY day
ORDER BY day
