-- Clicks, visitors and what they led to, by one dimension.
--
-- The first row (is_total = 1) is of all clicks together, and `keys` there is how many different keys
-- they have; then come the keys with the most clicks. A key that is not known is the empty text.
-- visitors          distinct visitor ids; clicks without one count as clicks only
-- leads, sales      conversions owed to these clicks that happened at or after the click, however
--                   long after, and whether or not still within the range
-- converted_clicks  clicks with at least one of them, so never more than clicks
-- sold              what the sales were worth: (currencies, sums in minor units)
-- refunded          what was given back of them, in the same form
-- A click of several keys counts under each of them, and once in the row of all.
-- Stands behind by_column.sql or by_tag.sql.
-- Parameters: those of selected.sql and of that, and
--   limit  how many keys
, counted AS
(
    SELECT
        toUInt8(grouping(grouped)) AS is_total,
        -- The optimizer may group by the bare column, whose value in the row of all is not the empty text.
        if(is_total = 1, '', grouped) AS key,
        uniqExact(grouped) AS keys,
        if(is_total = 1, countIf(place = 1), count()) AS clicks,
        uniqExactIf(visitor_id, visitor_id != 0) AS visitors
    FROM keyed
    GROUP BY GROUPING SETS ((grouped), ())
),
converted AS
(
    SELECT
        toUInt8(grouping(grouped)) AS is_total,
        if(is_total = 1, '', grouped) AS key,
        if(is_total = 1, countIf(kind = 'lead' AND place = 1), countIf(kind = 'lead')) AS leads,
        if(is_total = 1, countIf(kind = 'sale' AND place = 1), countIf(kind = 'sale')) AS sales,
        uniqExact(click_id) AS converted_clicks,
        if(is_total = 1, sumMapIf(currencies, amounts, place = 1), sumMap(currencies, amounts)) AS sold,
        if(is_total = 1, sumMapIf(back_currencies, back_amounts, place = 1), sumMap(back_currencies, back_amounts)) AS refunded
    FROM
    (
        SELECT
            grouped, place, click_id, event_id, kind,
            if(kind = 'sale' AND currency != '', [toString(currency)], []) AS currencies,
            if(kind = 'sale' AND currency != '', [toInt128(amount_minor)], []) AS amounts,
            if(refunded != 0, [toString(currency)], []) AS back_currencies,
            if(refunded != 0, [toInt128(refunded)], []) AS back_amounts
        FROM keyed
        INNER JOIN attributed ON click_id = owed_to
        WHERE occurred_at >= time
        -- Click ids are unique; should one ever stand twice, its conversions still count once.
        ORDER BY time, lane, seq
        LIMIT 1 BY event_id, place
    )
    GROUP BY GROUPING SETS ((grouped), ())
)
SELECT is_total, key, keys, clicks, visitors, leads, sales, converted_clicks, sold, refunded
FROM counted
LEFT JOIN converted USING (is_total, key)
ORDER BY is_total DESC, clicks DESC, key
LIMIT 1 + {limit:UInt64}
