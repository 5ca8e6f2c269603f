-- Clicks on advocates' links in a range. Stands behind sql/carried/every.sql.
--
-- visitors        distinct visitors of these clicks; a click without a known visitor is a click only
-- open_*          clicks whose window is not over at now_ms, and visitors with such a click
-- open_converters of these visitors those with a click in the range that any conversion carries: only they can have converted
-- advocates       whose links they were, as persons are numbered in sql/people/persons.sql
-- Parameters: workspace, all_traffic and program as in told.sql, and
--   from_ms, to_ms     the range, milliseconds since 1970, the end excluded
--   window_ms, now_ms  how long a click is looked at, and when this is asked
, selected AS
(
    SELECT visitor_id, advocate, toUnixTimestamp64Milli(time) + {window_ms:Int64} > {now_ms:Int64} AS is_open
    FROM clicks
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      -- Which granules: as in sql/query/selected.sql.
      AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
          AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      AND advocate != ''
      AND {program:String} IN ('', program)
),
converters AS
(
    SELECT visitor_id
    FROM every_carried
    WHERE time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND visitor_id != 0
)
SELECT
    count() AS clicks,
    countIf(is_open) AS open_clicks,
    uniqExactIf(visitor_id, visitor_id != 0) AS visitors,
    uniqExactIf(visitor_id, visitor_id != 0 AND is_open) AS open_visitors,
    groupUniqArrayIf(visitor_id, is_open AND visitor_id IN (SELECT visitor_id FROM converters)) AS open_converters,
    arrayMap(name -> reinterpretAsUInt128(sipHash128('customer', name)), groupUniqArray(advocate)) AS advocates
FROM selected
