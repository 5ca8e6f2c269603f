-- Who came in the range, by when and by what they came, and what they did from then on. Stands behind clicked.sql, bought.sql
-- and sql/people/pages.sql, which know when everybody did what.
--
-- what    0 who came: `often` of them. 1 who was active in an interval: so many of them. 2 conversions in an interval: so
--         many, worth `net` together
-- cohort  the interval in which they came, by its first second, one of `edges`; bucket is that in which it happened
-- size    how many people came by the value of the dimension, in all cohorts; place is its rank by that; of `groups`
-- Parameters: those of the files before, and
--   from_ms, to_ms  when people came, milliseconds since 1970, the end excluded
--   by_click        1 where people come by their first click, 0 by their first conversion
--   active_by       of click, conversion and page those that make somebody active
--   limit           how many values of the dimension, those by which most came
, moments AS
(
    SELECT
        identity,
        toUInt128(0) AS customer_of,
        if({by_click:UInt8} = 1, first, toUInt256(0)) AS came,
        value,
        passes,
        if(has({active_by:Array(String)}, 'click'), seen, []) AS active,
        CAST([], 'Array(Tuple(Int64, String, Int128))') AS conversions
    FROM clicked
    UNION ALL
    SELECT
        identity,
        customer_of,
        if({by_click:UInt8} = 0, bitShiftLeft(toUInt256(at), 128) + row_number() OVER (ORDER BY event_id), toUInt256(0)) AS came,
        value,
        passes,
        if(has({active_by:Array(String)}, 'conversion'), [at], []) AS active,
        [(at, paid_in, net)] AS conversions
    FROM bought
    UNION ALL
    SELECT
        person AS identity,
        toUInt128(0) AS customer_of,
        toUInt256(0) AS came,
        '' AS value,
        toUInt8(0) AS passes,
        [toUnixTimestamp64Milli(occurred_at)] AS active,
        CAST([], 'Array(Tuple(Int64, String, Int128))') AS conversions
    FROM pages
),
lives AS
(
    SELECT
        toInt64(bitShiftRight(minIf(came, came != 0), 128)) AS since,
        argMinIf(value, came, came != 0) AS value_of,
        groupArrayArray(active) AS all_active,
        groupArrayArray(conversions) AS all_conversions
    FROM moments
    LEFT ANY JOIN owners USING (identity)
    GROUP BY multiIf(customer_of != 0, customer_of, owner != 0, owner, identity)
    HAVING since >= {from_ms:Int64} AND since < {to_ms:Int64} AND argMinIf(passes, came, came != 0) = 1
),
told AS
(
    SELECT
        roundDown(intDiv(since, 1000), {edges:Array(Int64)}) AS cohort,
        value_of AS value,
        toUInt8(one.1) AS what,
        one.2 AS bucket,
        one.3 AS currency,
        count() AS often,
        sum(one.4) AS net
    FROM lives
    ARRAY JOIN arrayConcat(
        [(0, cohort, '', toInt128(0))],
        arrayMap(
            interval -> (1, interval, '', toInt128(0)),
            arrayDistinct(arrayMap(
                at -> roundDown(intDiv(at, 1000), {edges:Array(Int64)}),
                arrayFilter(at -> at >= since, all_active)))),
        arrayMap(
            bought -> (2, roundDown(intDiv(bought.1, 1000), {edges:Array(Int64)}), bought.2, bought.3),
            arrayFilter(bought -> bought.1 >= since, all_conversions))) AS one
    GROUP BY cohort, value, what, bucket, currency
)
SELECT cohort, value, what, bucket, currency, often, net, size, place, max(place) OVER () AS groups
FROM
(
    SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS place
    FROM (SELECT *, sumIf(often, what = 0) OVER (PARTITION BY value) AS size FROM told)
)
QUALIFY place <= {limit:UInt64}
ORDER BY place, cohort, what, bucket, currency
