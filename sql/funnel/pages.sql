-- The page events that a step or an exclusion asks for. Stands behind sql/people/page_events.sql.
-- STEPS, EXCLUDED and SPLIT as in masked.sql; WITH_CLICKS is pages_with_clicks.sql where SPLIT asks for the clicks.
-- Parameters: most, the most of them.
, masked AS
(
    SELECT identity, customer_of, occurred_at, event_id, click_id AS by_click_id, toUInt16(STEPS) AS steps, toUInt16(EXCLUDED) AS excluded
    FROM page_identified
    WHERE steps != 0 OR excluded != 0
)
SELECT identity, customer_of, toUnixTimestamp64Milli(occurred_at) AS at, event_id AS id, steps, excluded, SPLIT AS split
FROM masked
WITH_CLICKS
LIMIT {most:UInt64}
