-- Clicks on advocates' links, and which of them led to something. Stands behind told.sql.
--
-- led, sold   clicks with at least one lead or sale of somebody else than the advocate, at most window_ms after the click
-- *_open      those without one whose window is not over at now_ms
-- visitors    distinct visitors of these clicks; a click without a known visitor is a click only
-- Parameters: those of told.sql, and from_ms, to_ms, window_ms, now_ms as in customers.sql.
, led_to AS
(
    SELECT owed_to, max(kind = 'lead') AS has_lead, max(kind = 'sale') AS has_sale
    FROM told
    WHERE referrer != 0
      AND clicked_at >= {from_ms:Int64}
      AND clicked_at < {to_ms:Int64}
      AND at <= clicked_at + {window_ms:Int64}
    GROUP BY owed_to
),
visitors AS
(
    SELECT
        visitor_id,
        count() AS clicks,
        countIf(has_lead) AS led,
        countIf(has_sale) AS sold,
        countIf(is_open AND NOT has_lead) AS led_open,
        countIf(is_open AND NOT has_sale) AS sold_open
    FROM
    (
        SELECT click_id, visitor_id, toUnixTimestamp64Milli(time) + {window_ms:Int64} > {now_ms:Int64} AS is_open
        FROM clicks
        WHERE workspace = {workspace:String}
          AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          AND outcome = 'redirected'
          AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
          AND advocate != ''
          AND {program:String} IN ('', program)
    ) AS click
    LEFT JOIN led_to ON click_id = owed_to
    GROUP BY visitor_id
)
SELECT
    sum(clicks) AS clicks,
    sum(led) AS led_clicks,
    sum(sold) AS sold_clicks,
    sum(led_open) AS open_led_clicks,
    sum(sold_open) AS open_sold_clicks,
    countIf(visitor_id != 0) AS visitors,
    countIf(visitor_id != 0 AND led > 0) AS led_visitors,
    countIf(visitor_id != 0 AND sold > 0) AS sold_visitors,
    countIf(visitor_id != 0 AND led = 0 AND led_open > 0) AS open_led_visitors,
    countIf(visitor_id != 0 AND sold = 0 AND sold_open > 0) AS open_sold_visitors
FROM visitors
