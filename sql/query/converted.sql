-- What the clicks of each key led to. Stands behind counted.sql, sql/reports/attributed.sql and sql/carried/every.sql.
--
-- leads, sales      conversions owed to these clicks that happened at or after the click, whenever
-- converted_clicks  clicks with at least one of them, so never more than clicks
-- waits             from the click to each of them, in milliseconds: the smallest that a half, and nine tenths, are not
--                   above
-- sold, refunded    what the sales were worth and what was given back: (currencies, sums in minor units)
-- KEYED opens a list of names of its own, in which `keyed` are only clicks that conversions carry; nothing where it must be all.
, converted AS
(
    KEYED
    SELECT
        toUInt8(grouping(bucket_of_click)) AS is_total,
        if(is_total = 1, 0, bucket_of_click) AS bucket,
        if(is_total = 1, '', value_1) AS key_1,
        if(is_total = 1, '', value_2) AS key_2,
        if(is_total = 1, '', value_3) AS key_3,
        if(is_total = 1, countIf(kind = 'lead' AND is_first_place), countIf(kind = 'lead')) AS leads,
        if(is_total = 1, countIf(kind = 'sale' AND is_first_place), countIf(kind = 'sale')) AS sales,
        uniqExact(click_id) AS converted_clicks,
        arraySort(if(is_total = 1, groupArrayIf(wait, is_first_place), groupArray(wait))) AS sorted,
        if(empty(sorted), [], [sorted[intDiv(length(sorted) + 1, 2)], sorted[intDiv(9 * length(sorted) + 9, 10)]]) AS waits,
        if(is_total = 1, sumMapIf(currencies, amounts, is_first_place), sumMap(currencies, amounts)) AS sold,
        if(is_total = 1, sumMapIf(back_currencies, back_amounts, is_first_place), sumMap(back_currencies, back_amounts)) AS refunded
    FROM
    (
        SELECT
            bucket_of_click, value_1, value_2, value_3, is_first_place, tag_number, reason_number, click_id, event_id, kind,
            toUnixTimestamp64Milli(occurred_at) - toUnixTimestamp64Milli(time) AS wait,
            if(kind = 'sale' AND currency != '', [toString(currency)], []) AS currencies,
            if(kind = 'sale' AND currency != '', [toInt128(amount_minor)], []) AS amounts,
            if(refunded != 0, [toString(currency)], []) AS back_currencies,
            if(refunded != 0, [toInt128(refunded)], []) AS back_amounts
        FROM keyed
        INNER JOIN attributed ON click_id = owed_to
        WHERE occurred_at >= time
        -- Click ids are unique; should one ever stand twice, its conversions still count once.
        ORDER BY time, lane, seq
        LIMIT 1 BY event_id, tag_number, reason_number
    )
    GROUP BY GROUPING SETS ((bucket_of_click, value_1, value_2, value_3), ())
)
