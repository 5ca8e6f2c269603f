-- Clicks by key, and all together in the row with is_total = 1. A key is an interval and up to three values. Stands behind keyed.sql.
--
-- bucket  the second since 1970 at which an interval begins, one of `edges`
-- groups  how many keys there are, in the row of all
-- approximate_visitors  where APPROXIMATELY is approximate_visitors.sql; 0 where nobody asks for it
, counted AS
(
    SELECT
        toUInt8(grouping(bucket_of_click)) AS is_total,
        if(is_total = 1, 0, bucket_of_click) AS bucket,
        -- The optimizer may group by the bare column, whose value in the row of all is not the empty text.
        if(is_total = 1, '', value_1) AS key_1,
        if(is_total = 1, '', value_2) AS key_2,
        if(is_total = 1, '', value_3) AS key_3,
        uniqExact(bucket_of_click, value_1, value_2, value_3) AS groups,
        if(is_total = 1, countIf(is_first_place), count()) AS clicks,
        uniqExactIf(visitor_id, visitor_id != 0) AS visitors,
        APPROXIMATELY AS approximate_visitors,
        uniqExactIf(visitor_id, visitor_id != 0 AND new_visitor) AS new_visitors,
        uniqExact(link_id) AS links
    FROM keyed
    GROUP BY GROUPING SETS ((bucket_of_click, value_1, value_2, value_3), ())
)
