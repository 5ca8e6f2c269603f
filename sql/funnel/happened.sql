-- The conversions of the time, with what they were worth. Stands behind sql/reports/attributed.sql.
-- Parameters: since_ms, before_ms: when they happened, milliseconds since 1970, the end excluded.
, happened AS
(
    SELECT event_id, kind, name, occurred_at, amount_minor, refunded, currency, owed_to
    FROM attributed
    WHERE occurred_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({before_ms:Int64}, 'UTC')
      AND kind IN ('lead', 'sale')
)
