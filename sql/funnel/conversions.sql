-- The conversions that a step or an exclusion asks for. Stands behind happened.sql and sql/people/persons.sql.
--
-- is_sale    0 for a lead
-- net_minor  what a sale was worth less what of it was given back
-- HAPPENED is `happened`, or with_clicks.sql, where a step asks for the clicks. STEPS, EXCLUDED and SPLIT as in masked.sql.
-- In the order of their ids, in which ties are broken.
-- Parameters: most, the most of them.
, masked AS
(
    SELECT
        event_id, kind, occurred_at, currency,
        if(kind = 'sale', amount_minor - refunded, 0) AS net,
        toUInt16(STEPS) AS steps,
        toUInt16(EXCLUDED) AS excluded,
        SPLIT AS split
    FROM HAPPENED
)
SELECT
    identity,
    customer_of,
    toUnixTimestamp64Milli(occurred_at) AS at,
    toUInt8(kind = 'sale') AS is_sale,
    steps,
    excluded,
    toString(currency) AS currency,
    toInt64(net) AS net_minor,
    split
FROM masked
INNER JOIN identified USING (event_id)
WHERE steps != 0 OR excluded != 0
ORDER BY event_id
LIMIT {most:UInt64}
