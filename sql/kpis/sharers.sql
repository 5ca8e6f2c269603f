-- Shares that say whose they are: by whom, as persons are numbered in sql/people/persons.sql, and when, the earliest first.
-- Parameters: workspace, and
--   shared_from_ms, shared_to_ms  when they happened, milliseconds since 1970, both included
--   most                          how many
SELECT
    reinterpretAsUInt128(sipHash128('customer', if(advocate != '', toString(advocate), customer))) AS person,
    toUnixTimestamp64Milli(occurred_at) AS at
FROM page_events FINAL
WHERE workspace = {workspace:String}
  AND name = 'share'
  AND occurred_at >= fromUnixTimestamp64Milli({shared_from_ms:Int64}, 'UTC')
  AND occurred_at <= fromUnixTimestamp64Milli({shared_to_ms:Int64}, 'UTC')
  AND (advocate != '' OR customer != '')
ORDER BY at
LIMIT {most:UInt64}
