-- The page events that a step or an exclusion asks for. Stands behind sql/people/pages.sql.
-- STEPS, EXCLUDED and SPLIT as in masked.sql; WITH_CLICKS is pages_with_clicks.sql where SPLIT asks for the clicks.
-- Parameters: most, the most of them.
, masked AS
(
    SELECT identity, person, occurred_at, event_id, click_id AS by_click_id, toUInt16(STEPS) AS steps, toUInt16(EXCLUDED) AS excluded
    FROM pages
    WHERE steps != 0 OR excluded != 0
)
SELECT identity, person, toUnixTimestamp64Milli(occurred_at) AS at, event_id AS id, steps, excluded, SPLIT AS split
FROM masked
WITH_CLICKS
LIMIT {most:UInt64}
