-- Clicks, visitors and what they led to, by one dimension.
--
-- The first row (is_total = 1) is of all clicks together, and `keys` there is how many different keys
-- they have; then come the keys with the most clicks. A key that is not known is the empty text.
-- visitors          distinct visitor ids; clicks without one count as clicks only
-- leads, sales      conversions owed to these clicks that happened at or after the click, however
--                   long after, and whether or not still within the range
-- converted_clicks  clicks with at least one of them, so never more than clicks
-- revenue           what the sales were worth: (currencies, sums in minor units)
-- Parameters: those of selected.sql, and
--   by     the column to group by, from the list in the API
--   limit  how many keys
, counted AS
(
    SELECT
        toUInt8(grouping(grouped)) AS is_total,
        -- The optimizer may group by the bare column, whose value in the row of all is not the empty text.
        if(is_total = 1, '', grouped) AS key,
        uniqExact(grouped) AS keys,
        count() AS clicks,
        uniqExactIf(visitor_id, visitor_id != 0) AS visitors
    FROM (SELECT toString({by:Identifier}) AS grouped, visitor_id FROM selected)
    GROUP BY GROUPING SETS ((grouped), ())
),
converted AS
(
    SELECT
        toUInt8(grouping(grouped)) AS is_total,
        if(is_total = 1, '', grouped) AS key,
        countIf(kind = 'lead') AS leads,
        countIf(kind = 'sale') AS sales,
        uniqExact(click_id) AS converted_clicks,
        sumMapIf([toString(currency)], [toInt128(amount_minor)], kind = 'sale' AND currency != '') AS revenue
    FROM
    (
        SELECT toString({by:Identifier}) AS grouped, click_id, event_id, kind, currency, amount_minor
        FROM selected
        INNER JOIN attributed ON click_id = owed_to
        WHERE occurred_at >= time
        -- Click ids are unique; should one ever stand twice, its conversions still count once.
        ORDER BY time, lane, seq
        LIMIT 1 BY event_id
    )
    GROUP BY GROUPING SETS ((grouped), ())
)
SELECT is_total, key, keys, clicks, visitors, leads, sales, converted_clicks, revenue
FROM counted
LEFT JOIN converted USING (is_total, key)
ORDER BY is_total DESC, clicks DESC, key
LIMIT 1 + {limit:UInt64}
