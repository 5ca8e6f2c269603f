-- How many of two clicks are stored (of a block, the earliest and the latest by time), and whether their block's token is
-- still remembered for sure.
-- Parameters: workspace, link, time (milliseconds since 1970) and seq of the first; the same of the
-- second; lane of both. The hour, the link and the time are the table's key, so this reads two granules
-- of each part that may hold them.
--
-- Every part that is inserted takes the next block number and one token; a merged part is named after its lowest and
-- its highest. So no more tokens came after these clicks than there are numbers from their parts' lowest to the
-- newest; half the window is left for what arrives meanwhile.
WITH
    (
        SELECT max(max_block_number) FROM system.parts WHERE database = currentDatabase() AND table = 'clicks'
    ) AS newest,
    (
        SELECT toUInt64OrZero(extract(engine_full, 'non_replicated_deduplication_window = ([0-9]+)'))
        FROM system.tables WHERE database = currentDatabase() AND name = 'clicks'
    ) AS window
SELECT
    uniqExact(seq) AS found,
    toBool(ifNull(newest - min(toInt64OrZero(splitByChar('_', _part)[2])) < intDiv(window, 2), 0)) AS remembered
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
