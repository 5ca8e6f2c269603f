-- Conversions that happened in the range and count for no click, by the reason why.
--
-- With those that do count for a click (of whatever time) these are all conversions of the range.
--   no_click        owed to no click: it carries no click id, nor does an earlier one of its customer
--   unknown_click   its click is not stored, or not yet
--   excluded_click  its click does not count: an orphan, or not human while only human traffic is asked
--   before_click    it is dated before its click
--   no_sale         it takes back a sale that is not stored, or not yet, or in another currency
-- sold      what the sales were worth: (currencies, sums in minor units)
-- refunded  what was given back of them, or by what has no sale
-- Stands behind sql/carried/every.sql and attributed.sql.
-- The filters by channel, source and link are not applied: what has no click has no channel.
-- Parameters: workspace, from_ms, to_ms, all_traffic as in selected.sql.
SELECT
    multiIf(
        kind IN ('refund', 'cancellation'), if(is_matched, '', 'no_sale'),
        owed_to = 0, 'no_click',
        clicked_at IS NULL, 'unknown_click',
        NOT counts, 'excluded_click',
        occurred_at < clicked_at, 'before_click',
        '') AS reason,
    countIf(kind = 'lead') AS leads,
    countIf(kind = 'sale') AS sales,
    sumMapIf([toString(currency)], [toInt128(amount_minor)], kind = 'sale' AND currency != '') AS sold,
    -- A refund's amount is negative.
    sumMapIf([toString(currency)], [if(kind = 'refund', -toInt128(amount_minor), toInt128(refunded))], kind = 'refund' OR refunded != 0) AS refunded
FROM attributed
LEFT JOIN
(
    SELECT
        click_id,
        min(toNullable(time)) AS clicked_at,
        max(outcome = 'redirected' AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))) AS counts
    -- What a conversion is owed to is a click that some conversion carries.
    FROM every_carried
    GROUP BY click_id
) AS click ON click_id = owed_to
WHERE occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
  AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
GROUP BY reason
HAVING reason != ''
ORDER BY reason
