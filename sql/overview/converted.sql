-- What the clicks led to: all together (part 0), by interval (1) and by each value of a breakdown (2 and on). Stands behind
-- sql/reports/attributed.sql, sql/carried/every.sql and, of clicks that conversions carry, keyed.sql.
--
-- leads, sales, converted_clicks, sold, refunded  as in sql/query/converted.sql
-- PARTS, KEYS and EACH have a line for each breakdown.
-- Parameters:
--   first_hour_ms, behind_hour_ms  the full hours around the range, milliseconds since 1970
SELECT
    toUInt8(multiIf(grouping(bucket_of_click) = 0, 1, PARTS 0)) AS part,
    if(part = 1, bucket_of_click, 0) AS bucket,
    multiIf(KEYS part = 0, '', '') AS key,
    countIf(kind = 'lead') AS leads,
    countIf(kind = 'sale') AS sales,
    uniqExact(click_id) AS converted_clicks,
    sumMap(currencies, amounts) AS sold,
    sumMap(back_currencies, back_amounts) AS refunded
FROM
(
    SELECT
        * EXCEPT (refunded),
        if(kind = 'sale' AND currency != '', [toString(currency)], []) AS currencies,
        if(kind = 'sale' AND currency != '', [toInt128(amount_minor)], []) AS amounts,
        if(refunded != 0, [toString(currency)], []) AS back_currencies,
        if(refunded != 0, [toInt128(refunded)], []) AS back_amounts
    FROM keyed
    INNER JOIN
    (
        -- A click's id begins with its time: what is owed to another time is left out before it is looked for.
        SELECT event_id, kind, occurred_at, amount_minor, currency, refunded, owed_to
        FROM attributed
        WHERE owed_to >= bitShiftLeft(toUInt128({first_hour_ms:Int64}), 80)
          AND owed_to < bitShiftLeft(toUInt128({behind_hour_ms:Int64}), 80)
    ) AS owed ON click_id = owed_to
    WHERE occurred_at >= time
    -- Click ids are unique; should one ever stand twice, its conversions still count once.
    ORDER BY time, lane, seq
    LIMIT 1 BY event_id
)
GROUP BY GROUPING SETS ((bucket_of_click), EACH ())
