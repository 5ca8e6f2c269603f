-- What one would write for five models of attribution by channel: the touches of each sale's visitor in an array, and what each of them
-- earns under each model.
-- Parameters: workspace, from_ms, to_ms.
SELECT
    channel,
    sumIf(amount, place = 1) AS first,
    sumIf(amount, place = touches) AS last,
    sumIf(amount, place = last_other) AS last_non_direct,
    sum(amount / touches) AS linear,
    sum(amount * weight / weights) AS time_decay
FROM
(
    SELECT
        amount_minor AS amount,
        arraySort(groupArray((toUnixTimestamp64Milli(click.time), click.click_id, toString(click.channel)))) AS way,
        toUInt64(length(way)) AS touches,
        toUInt64(if(arrayLastIndex(touch -> touch.3 != 'Direct', way) = 0, touches, arrayLastIndex(touch -> touch.3 != 'Direct', way))) AS last_other,
        arrayMap(touch -> exp2(-(toUnixTimestamp64Milli(occurred_at) - touch.1) / (22.5 * 86400000)), way) AS way_weights,
        arraySum(way_weights) AS weights
    FROM
    (
        SELECT event_id, visitor_id, occurred_at, amount_minor
        FROM conversions FINAL
        WHERE workspace = {workspace:String} AND kind = 'sale' AND visitor_id != 0
          AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
    ) AS sale
    INNER JOIN
    (
        SELECT visitor_id, time, click_id, channel
        FROM clicks
        WHERE workspace = {workspace:String}
          AND time >= fromUnixTimestamp64Milli({from_ms:Int64} - 7776000000, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          AND outcome = 'redirected' AND verdict IN ('human', 'duplicate') AND visitor_id != 0
    ) AS click USING (visitor_id)
    WHERE time <= occurred_at AND time >= occurred_at - INTERVAL 90 DAY
    GROUP BY event_id, occurred_at, amount_minor
)
ARRAY JOIN way.3 AS channel, arrayEnumerate(way) AS place, way_weights AS weight
GROUP BY channel
ORDER BY channel
