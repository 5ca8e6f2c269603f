-- Customers whose first conversion was in the range, by whether it is owed to a click that counts and passes, and what they did
-- within the window from then on. Stands behind bought.sql.
--
-- is_open    1: the window is not over
-- customers, repeated, conversions  how many, how many of them converted again, how often all of them did
-- sums, squares  by currency of what each customer brought: the sum, and the sum of squares; of no customer without any
-- Parameters: those of the files before, and
--   from_ms, to_ms  when they became customers, milliseconds since 1970, the end excluded
--   window_ms, now_ms
, customers AS
(
    SELECT
        min((at, event_id, has_click AND passes)) AS first,
        first.1 + {window_ms:Int64} AS until,
        first.3 AS is_referred,
        until > {now_ms:Int64} AS is_open,
        arrayFilter(one -> one.1 <= until, groupArray((at, paid_in, net))) AS within,
        arrayReduce('sumMap', arrayMap(one -> [one.2], within), arrayMap(one -> [one.3], within)) AS brought
    FROM bought
    LEFT ANY JOIN owners USING (identity)
    GROUP BY multiIf(customer_of != 0, customer_of, owner != 0, owner, identity)
    HAVING first.1 >= {from_ms:Int64} AND first.1 < {to_ms:Int64}
)
SELECT
    is_referred,
    is_open,
    count() AS customers,
    countIf(length(within) > 1) AS repeated,
    sum(length(within)) AS conversions,
    sumMap(brought.1, brought.2) AS sums,
    sumMap(brought.1, arrayMap(sum -> toFloat64(sum) * toFloat64(sum), brought.2)) AS squares
FROM customers
GROUP BY is_referred, is_open
ORDER BY is_referred, is_open
