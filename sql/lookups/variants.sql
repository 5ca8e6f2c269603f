-- How many clicks each variant of some links had, and how many of them converted.
--
-- converted  clicks with at least one conversion owed to them that happened at or after the click, so
--            never more than clicks
-- Parameters: those of variant_clicks.sql and attributed.sql.
SELECT
    link_id,
    toString(variant) AS name,
    uniqExact(click_id) AS clicks,
    uniqExactIf(click_id, click_id IN
    (
        SELECT click_id FROM selected INNER JOIN attributed ON click_id = owed_to WHERE occurred_at >= time
    )) AS converted
FROM selected
GROUP BY link_id, name
