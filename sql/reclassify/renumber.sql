-- The same clicks are by these rules from now on. $mark tells this mutation from others.
ALTER TABLE clicks
    UPDATE rules = {rules:UInt16}
    IN PARTITION $month
    WHERE time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND ({workspace:String} = '' OR workspace = {workspace:String})
        AND rules != {rules:UInt16} AND privacy != 'count_only' AND (user_agent != '' OR agent_class = 'none')
        AND '$mark' != ''
