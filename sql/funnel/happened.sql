-- The conversions of the time, with what they were worth. Stands behind
-- sql/reports/recorded.sql. STANDING is `recorded`, or `attributed` of attributed.sql where somebody asks to which click each is owed.
-- Parameters: since_ms, before_ms: when they happened, milliseconds since 1970, the end excluded.
, happened AS
(
    SELECT * EXCEPT (customer, carried_click, carried_visitor, is_matched)
    FROM STANDING
    WHERE occurred_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({before_ms:Int64}, 'UTC')
      AND kind IN ('lead', 'sale')
)
