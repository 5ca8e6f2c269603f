-- Leads, sales and revenue of the range, by when they happened, and what of it was referred. Stands behind told.sql.
--
-- referred_*     those that are themselves owed to a click on another's advocate link
-- of_referred    what people were worth whose first conversion was referred, by all their sales from then on
-- *_ever         all that are stored, whenever they happened
-- Sums are (currencies, sums in minor units), net of what was given back.
-- Parameters: those of told.sql, and from_ms, to_ms as in customers.sql.
SELECT
    countIf(is_in AND kind = 'lead') AS leads,
    countIf(is_in AND kind = 'sale') AS sales,
    countIf(is_in AND kind = 'lead' AND referrer != 0) AS referred_leads,
    countIf(is_in AND kind = 'sale' AND referrer != 0) AS referred_sales,
    countIf(kind = 'lead') AS leads_ever,
    countIf(kind = 'sale') AS sales_ever,
    countIf(is_in AND NOT is_somebody) AS nameless,
    -- A sum of nothing is left out of the sums.
    arraySort(groupUniqArrayIf(currency, is_in AND has_worth)) AS currencies,
    sumMapIf([currency], [toInt128(worth)], is_in AND has_worth) AS revenue,
    sumMapIf([currency], [toInt128(worth)], is_in AND has_worth AND referrer != 0) AS referred_revenue,
    sumMapIf([currency], [toInt128(worth)], is_in AND has_worth AND is_somebody AND acquired_by != 0 AND at >= acquired_at) AS revenue_of_referred
FROM
(
    SELECT *, at >= {from_ms:Int64} AND at < {to_ms:Int64} AS is_in, kind = 'sale' AND currency != '' AS has_worth
    FROM told
)
