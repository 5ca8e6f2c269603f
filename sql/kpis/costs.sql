-- What is held against costs: whom the range won, what it earned, and how soon. Stands behind told.sql.
--
-- For each channel:
--   acquired  people whose first conversion is in the range and was referred through a click of the channel; of them
--   earned    their sales so far: (currency, day, minor units), the day counted from 0 since their first conversion, in spans
--             of 24 hours
--   revenue   what referred sales of the range through the channel were worth, whoever's: (currencies, sums in minor units)
-- Parameters: those of told.sql, and from_ms, to_ms as in customers.sql.
SELECT
    channel,
    sum(acquired) AS acquired,
    sumMap(days, minors) AS earned,
    sumMap(currencies, sums) AS revenue
FROM
(
    SELECT
        acquired_through AS channel,
        toUInt64(is_first) AS acquired,
        if(has_worth, [(currency, intDiv(at - acquired_at, 86400000))], []) AS days,
        if(has_worth, [toInt128(worth)], []) AS minors,
        CAST([], 'Array(String)') AS currencies,
        CAST([], 'Array(Int128)') AS sums
    FROM (SELECT *, kind = 'sale' AND currency != '' AND at >= acquired_at AS has_worth FROM told)
    WHERE is_somebody AND acquired_by != 0 AND acquired_at >= {from_ms:Int64} AND acquired_at < {to_ms:Int64}
    UNION ALL
    SELECT through, 0, [], [], [currency], [toInt128(worth)]
    FROM told
    WHERE kind = 'sale' AND currency != '' AND referrer != 0 AND at >= {from_ms:Int64} AND at < {to_ms:Int64}
)
GROUP BY channel
ORDER BY channel
