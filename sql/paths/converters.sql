-- Who is behind each conversion that is asked for. Stands behind sql/people/persons.sql.
-- Parameters: those of sql/attribution/conversions.sql.
SELECT event_id, person
FROM converters
WHERE event_id IN
(
    SELECT event_id
    FROM conversions FINAL
    WHERE workspace = {workspace:String}
      AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND has({kinds:Array(String)}, toString(kind))
)
LIMIT {most:UInt64}
