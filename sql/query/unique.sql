-- Stands behind selected.sql where only unique clicks are asked: those before which the same visitor did not click the
-- same link for so long. A click without a known visitor is unique.
-- CLICKS is the name before. selected.sql begins so much before the range, so that the first clicks of the range are judged as all others.
-- Parameters:
--   unique_ms  how long
--   first_ms   where the range itself begins
, unique_clicks AS
(
    SELECT *
    FROM
    (
        SELECT
            *,
            lagInFrame(toNullable(time)) OVER (PARTITION BY visitor_id, link_id ORDER BY time, click_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS clicked_before
        FROM CLICKS
    )
    WHERE time >= fromUnixTimestamp64Milli({first_ms:Int64}, 'UTC')
      AND (visitor_id = 0 OR clicked_before IS NULL OR toUnixTimestamp64Milli(time) - toUnixTimestamp64Milli(assumeNotNull(clicked_before)) >= {unique_ms:Int64})
)
