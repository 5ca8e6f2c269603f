-- The end of every query: the row of all, then the keys in their order from `skipped` on.
-- Parameters:
--   skipped, limit  which of the keys
--   keys            only these keys (of three values); an empty list leaves all in
--   currency        by which revenue is ordered
-- The order stands where ORDERED does.
SELECT
    is_total, bucket, key_1, key_2, key_3, groups, clicks, visitors, approximate_visitors, new_visitors, links,
    leads, sales, converted_clicks, waits, sold, refunded
FROM
(
    SELECT
        *,
        if(clicks = 0, 0, converted_clicks / clicks) AS conversion_rate,
        sold.2[indexOf(sold.1, {currency:String})] - refunded.2[indexOf(refunded.1, {currency:String})] AS revenue,
        row_number() OVER (PARTITION BY is_total ORDER BY ORDERED) AS place
    FROM counted
    LEFT JOIN converted USING (is_total, bucket, key_1, key_2, key_3)
    WHERE is_total = 1
       OR empty({keys:Array(Tuple(String, String, String))})
       OR (key_1, key_2, key_3) IN {keys:Array(Tuple(String, String, String))}
)
WHERE is_total = 1 OR (place > {skipped:UInt64} AND place <= {skipped:UInt64} + {limit:UInt64})
ORDER BY is_total DESC, place
