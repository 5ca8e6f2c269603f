-- Page events that are there already, with their times in milliseconds. One row for a name is usual; rows that stand there
-- twice until they are merged are two.
-- Parameters: workspace; ids; from and to, within which they are looked for, in milliseconds since 1970.
SELECT event_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms
FROM page_events
WHERE workspace = {workspace:String}
  AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND occurred_at <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  AND toStartOfHour(occurred_at) >= toStartOfHour(fromUnixTimestamp64Milli({from:Int64}, 'UTC'))
  AND event_id IN {ids:Array(UInt128)}
