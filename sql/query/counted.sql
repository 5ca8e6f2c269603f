-- Clicks by key, and all together in the row with is_total = 1. A key is an interval and up to three values.
--
-- bucket  the second since 1970 at which an interval begins, one of `edges`
-- groups  how many keys there are, in the row of all
-- approximate_visitors  where APPROXIMATELY is approximate_visitors.sql; 0 where nobody asks for it
-- CLICKS is the name before; TAG_PLACE and REASON_PLACE are the columns of by_tag.sql and by_reason.sql, 1 without them.
-- Parameters:
--   by_1, by_2, by_3  columns; `nothing` where fewer are asked for
--   edges  where intervals begin, ascending, the first not after the range; [0] where none are asked for
, keyed AS
(
    SELECT
        *,
        TAG_PLACE AS tag_number,
        REASON_PLACE AS reason_number,
        -- A click of several values counts under each of them, and once in the row of all.
        tag_number = 1 AND reason_number = 1 AS is_first_place,
        roundDown(second, {edges:Array(Int64)}) AS bucket_of_click,
        toString({by_1:Identifier}) AS value_1,
        toString({by_2:Identifier}) AS value_2,
        toString({by_3:Identifier}) AS value_3
    FROM CLICKS
),
counted AS
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
