-- How many clicks there are in each minute of a range, so that it can be read in parts that fit into memory.
SELECT toInt64(toUnixTimestamp(toStartOfMinute(time))) * 1000 AS minute, count() AS clicks
FROM clicks
WHERE time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({workspace:String} = '' OR workspace = {workspace:String})
GROUP BY minute
ORDER BY minute
