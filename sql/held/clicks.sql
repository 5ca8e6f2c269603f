-- The clicks of people in some hours, as they are held in memory; the print of each is that of prints.sql.
-- Parameters:
--   workspace
--   hours  seconds since 1970 at which they begin
SELECT
    toUInt32(intDiv(toUnixTimestamp(in_hour), 3600)) AS hour,
    toUInt32(toUnixTimestamp64Milli(time) - toInt64(toUnixTimestamp(in_hour)) * 1000) AS at,
    visitor_id,
    toString(channel) AS channel,
    toString(source) AS source,
    toString(link_id) AS link,
    toString(country) AS country,
    toString(device) AS device,
    toString(browser) AS browser,
    cityHash64(clicks.time, clicks.visitor_id, clicks.channel, clicks.source, clicks.link_id, clicks.country, clicks.device, clicks.browser) AS print
FROM clicks
WHERE workspace = {workspace:String}
  AND toUInt32(toUnixTimestamp(in_hour)) IN {hours:Array(UInt32)}
  -- Which granules: the key has the hour as an expression.
  AND indexHint(toUInt32(toUnixTimestamp(toStartOfHour(time))) IN {hours:Array(UInt32)})
  AND outcome = 'redirected'
  AND verdict IN ('human', 'duplicate')
