-- The months in which there are clicks of other rules that can be judged again, as StoredClick::click has it.
SELECT toYYYYMM(time) AS month
FROM clicks
WHERE time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({workspace:String} = '' OR workspace = {workspace:String})
    AND rules != {rules:UInt16} AND privacy != 'count_only' AND (user_agent != '' OR agent_class = 'none')
GROUP BY month
ORDER BY month
