-- Clicks by link.
UNION ALL
SELECT toUInt8(PART) AS part, toInt64(0) AS bucket, toString(link) AS key, sum(clicks_of_link) AS clicks
FROM
(
    SELECT link_id AS link, count() AS clicks_of_link FROM days GROUP BY link
    UNION ALL
    SELECT link_id AS link, count() AS clicks_of_link FROM beside_days GROUP BY link
)
GROUP BY link
