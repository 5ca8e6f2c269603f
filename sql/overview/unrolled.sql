-- Clicks by those breakdowns of which there is no rollup, out of one reading of the clicks themselves.
-- PARTS, KEYS and EACH have a line for each of them; the last set of all clicks together counts for nothing.
SELECT
    toUInt8(multiIf(PARTS 0 = 1, 0, 255)) AS part,
    toInt64(0) AS bucket,
    multiIf(KEYS part = 255, '', '') AS key,
    count() AS clicks
FROM keyed
GROUP BY GROUPING SETS (EACH ())
HAVING part != 255
