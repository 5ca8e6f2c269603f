-- The conversions that are asked for, and all others of the same customers: these tell which visitors a customer was.
-- Stands behind sql/reports/recorded.sql, which knows what each sale is worth, and open.sql before it.
--
-- worth, refunded  of a sale, in minor units; of a lead nothing
-- Parameters: workspace, and
--   from_ms, to_ms  when the conversions that are asked for happened, milliseconds since 1970, the end excluded
--   kinds           lead, sale or both
--   most            how many rows
SELECT
    event_id,
    toUnixTimestamp64Milli(occurred_at) AS occurred_ms,
    if(kind = 'sale', amount_minor, 0) AS worth,
    refunded,
    toString(currency) AS paid_in,
    customer,
    carried_click,
    carried_visitor,
    occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
        AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
        AND has({kinds:Array(String)}, toString(kind)) AS is_asked
FROM recorded
WHERE is_asked OR customer IN
(
    SELECT customer
    FROM conversions FINAL
    WHERE workspace = {workspace:String}
      AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND has({kinds:Array(String)}, toString(kind))
      AND customer != ''
)
ORDER BY event_id
LIMIT {most:UInt64}
