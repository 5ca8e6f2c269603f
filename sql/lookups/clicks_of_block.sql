-- In which months some clicks of a block are stored: of each month a few, since a month of a block is one part, which is
-- there whole or not at all.
-- Parameters: lane of all; seqs, their numbers in it; keys, in the order of the table's own key: workspace, the hour
-- (seconds since 1970), link, time (seconds since 1970 with three decimals). With the key in one piece only the granules
-- that may hold one of them are read, whatever the table's size.
SELECT DISTINCT toYYYYMM(time) AS month
FROM clicks
WHERE (workspace, toStartOfHour(time), link_id, time)
      IN {keys:Array(Tuple(String, DateTime('UTC'), UInt64, DateTime64(3, 'UTC')))}
  AND lane = {lane:UInt64}
  AND seq IN {seqs:Array(UInt64)}
