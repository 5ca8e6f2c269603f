-- Clicks by one breakdown of which there is a rollup.
UNION ALL
SELECT toUInt8(PART) AS part, toInt64(0) AS bucket, toString({by_NUMBER:Identifier}) AS key, count() AS clicks
FROM hours
GROUP BY key
