-- Clicks with the interval that they lie in and up to three values by which they are told apart. Stands behind selected.sql, unique.sql,
-- by_tag.sql or by_reason.sql.
--
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
)
