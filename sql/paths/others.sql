-- The ways of people that ended in no conversion: of those who clicked in the range and have none of the conversions that are
-- asked for. Stands behind sql/people/persons.sql.
--
-- labels  of their clicks in the range, the earliest first, the last 1000
-- people  who went this way
-- PASSES is the question's own condition on clicks.
-- Parameters: those of sql/attribution/visited.sql, and
--   collapse   1 where the same label right behind itself is one
--   most_ways  how many different ways
SELECT labels, count() AS people
FROM
(
    SELECT
        multiIf(customer_of != 0, customer_of, owner != 0, owner, identity) AS person,
        arrayMap(click -> click.3, arraySlice(arraySort(groupArrayArray(clicked)), -1000)) AS all_labels,
        if({collapse:UInt8} = 1, arrayCompact(all_labels), all_labels) AS labels
    FROM
    (
        SELECT
            if(visitor_id != 0, visitor_id, click_id) AS identity,
            toUInt128(0) AS customer_of,
            groupArray((toUnixTimestamp64Milli(time), click_id, toString({by:Identifier}))) AS clicked,
            0 AS is_asked
        FROM clicks
        WHERE workspace = {workspace:String}
          AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          -- Which granules: as in sql/query/selected.sql.
          AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
              AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
          AND outcome = 'redirected'
          AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
          AND PASSES
        GROUP BY identity
        UNION ALL
        SELECT
            identity,
            customer_of,
            [] AS clicked,
            1 AS is_asked
        FROM identified
        WHERE event_id IN
        (
            SELECT event_id
            FROM conversions FINAL
            WHERE workspace = {workspace:String}
              AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
              AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
              AND has({kinds:Array(String)}, toString(kind))
        )
    ) AS seen
    LEFT ANY JOIN owners USING (identity)
    GROUP BY person
    -- Not by the sets of those who converted: they would be found out once more.
    HAVING max(is_asked) = 0
)
GROUP BY labels
LIMIT {most_ways:UInt64}
