-- How many of two clicks are stored: of a block, the earliest and the latest by time.
-- Parameters: workspace, link, time (milliseconds since 1970) and seq of the first; the same of the
-- second; lane of both. The hour, the link and the time are the table's key, so this reads two granules
-- of each part that may hold them.
SELECT uniqExact(seq)
FROM clicks
WHERE lane = {lane:UInt64}
  AND
  (
      (
          workspace = {first_workspace:String}
          AND toStartOfHour(time) = toStartOfHour(fromUnixTimestamp64Milli({first_time:Int64}, 'UTC'))
          AND link_id = {first_link:UInt64}
          AND time = fromUnixTimestamp64Milli({first_time:Int64}, 'UTC')
          AND seq = {first_seq:UInt64}
      )
      OR
      (
          workspace = {last_workspace:String}
          AND toStartOfHour(time) = toStartOfHour(fromUnixTimestamp64Milli({last_time:Int64}, 'UTC'))
          AND link_id = {last_link:UInt64}
          AND time = fromUnixTimestamp64Milli({last_time:Int64}, 'UTC')
          AND seq = {last_seq:UInt64}
      )
  )
