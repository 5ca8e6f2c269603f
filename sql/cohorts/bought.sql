-- The conversions with what they were worth and whose they are, as far as they say it themselves, under the name `bought`. Stands behind origins.sql and
-- sql/people/persons.sql.
--
-- customer_of    the customer whom the conversion names; else 0, and whoever has the identity is it
-- net            of a sale, less what was given back of it, in minor units; of a lead nothing
-- value, passes  of the click that it is owed to, where that came first; else empty, and passes where all do
-- has_click      whether there is such a click
-- Parameters: workspace, and
--   kinds         lead, sale or both
--   until_ms      conversions before this moment, milliseconds since 1970
--   without_passes  whether a conversion that is owed to no click passes
, bought AS
(
    SELECT
        event_id, identity, customer_of,
        toUnixTimestamp64Milli(attributed.occurred_at) AS at,
        toString(currency) AS paid_in,
        if(kind = 'sale', toInt128(amount_minor) - refunded, 0) AS net,
        origins.click_id != 0 AND clicked_at <= at AS has_click,
        if(has_click, origins.value, '') AS value,
        if(has_click, origins.passes, {without_passes:UInt8}) AS passes
    FROM attributed
    INNER ANY JOIN identified USING (event_id)
    LEFT ANY JOIN origins ON owed_to = origins.click_id
    WHERE has({kinds:Array(String)}, toString(kind))
      AND attributed.occurred_at < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')
)
