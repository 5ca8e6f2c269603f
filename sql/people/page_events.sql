-- The page events of a time with the identity that each is of, by the rules of persons.sql, and `customer_of`, the customer whom it
-- names, or 0: `page_identified`. Stands behind whatever opened the list of names.
--
-- Parameters: workspace, and
--   pages_from_ms, pages_to_ms  when they happened, milliseconds since 1970, the end excluded
, page_named AS
(
    SELECT *
    FROM page_events FINAL
    WHERE workspace = {workspace:String}
      AND occurred_at >= fromUnixTimestamp64Milli({pages_from_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({pages_to_ms:Int64}, 'UTC')
),
page_carried AS
(
    SELECT click_id, any(if(visitor_id != 0, visitor_id, click_id)) AS clicker
    FROM clicks
    WHERE workspace = {workspace:String}
      AND indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')) FROM page_named WHERE click_id != 0 AND visitor_id = 0 AND customer = ''))
      AND click_id IN (SELECT click_id FROM page_named WHERE click_id != 0 AND visitor_id = 0 AND customer = '')
    GROUP BY click_id
),
page_identified AS
(
    SELECT
        *,
        if(customer != '', reinterpretAsUInt128(sipHash128('customer', customer)), 0) AS customer_of,
        multiIf(
            visitor_id != 0, visitor_id,
            clicker != 0, clicker,
            click_id != 0, click_id,
            event_id) AS identity
    FROM page_named
    LEFT ANY JOIN page_carried USING (click_id)
)
