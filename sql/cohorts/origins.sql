-- The clicks that conversions are owed to and that count, under the name `origins`. Stands behind sql/carried/every.sql.
--
-- PASSES is the question's own condition on clicks.
-- Parameters: all_traffic and by as in clicked.sql.
, origins AS
(
    SELECT
        '' AS nothing,
        click_id,
        min(toUnixTimestamp64Milli(time)) AS clicked_at,
        any(toString({by:Identifier})) AS value,
        any(toUInt8(PASSES)) AS passes
    -- What a conversion is owed to is a click that some conversion carries.
    FROM every_carried
    WHERE outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
    GROUP BY click_id
)
