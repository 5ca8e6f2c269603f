-- Throws away the copies of clicks of a time.
-- Parameters:
--   from, to   milliseconds since 1970, the end excluded
--   workspace  of one workspace, of all where it is empty
ALTER TABLE carried_clicks DELETE
WHERE time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  AND ({workspace:String} = '' OR workspace = {workspace:String})
