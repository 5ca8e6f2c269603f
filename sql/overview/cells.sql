-- All clicks together, by interval and by each breakdown, out of one reading of the clicks themselves.
-- PARTS, KEYS and EACH have a line for each breakdown.
SELECT
    toUInt8(multiIf(grouping(bucket_of_click) = 0, 1, PARTS 0)) AS part,
    if(part = 1, bucket_of_click, 0) AS bucket,
    multiIf(KEYS part = 0, '', '') AS key,
    count() AS clicks
FROM keyed
GROUP BY GROUPING SETS ((bucket_of_click), EACH ())
