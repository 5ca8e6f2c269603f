-- Each conversion of the range with the touches that led to it.
--
-- A touch is a click that counts, of the person who converted, at or before the conversion and at most so long before it: the
-- range does not bound it. Touches come in their order: by time, and at the same millisecond by click id. The last 1000
-- of a conversion are told.
-- worth, refunded  of a sale, in minor units; of a lead nothing
-- Parameters: workspace, and
--   from_ms, to_ms  when conversions happened, milliseconds since 1970, the end excluded
--   look_back_ms    how long before the conversion a click may be
--   kinds           lead, sale or both
--   all_traffic     0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   by              a column: what touches are called by
--   event           only the conversion with this event id; empty for all
--   most            how many conversions
, asked AS
(
    SELECT event_id, kind, occurred_at, if(kind = 'sale', amount_minor, 0) AS worth, currency, refunded, person
    FROM attributed
    INNER JOIN events USING (event_id)
    WHERE occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND has({kinds:Array(String)}, toString(kind))
      AND ({event:String} = '' OR event_id = {event:String})
),
touched AS
(
    SELECT DISTINCT person, at, click_id, label
    FROM
    (
        SELECT person, toUnixTimestamp64Milli(time) AS at, click_id, toString({by:Identifier}) AS label
        FROM clicks
        INNER JOIN (SELECT person, visitor FROM known WHERE person IN (SELECT person FROM asked)) AS theirs
            ON visitor_id = visitor
        WHERE workspace = {workspace:String}
          AND time >= fromUnixTimestamp64Milli({from_ms:Int64} - {look_back_ms:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          AND visitor_id IN (SELECT visitor FROM known WHERE person IN (SELECT person FROM asked))
          AND outcome = 'redirected'
          AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
        UNION ALL
        -- A click that a conversion carries is its person's, even where its visitor is not known.
        SELECT person, toUnixTimestamp64Milli(time) AS at, click_id, toString({by:Identifier}) AS label
        FROM clicks
        INNER JOIN (SELECT person, click_id FROM events WHERE click_id != 0 AND person IN (SELECT person FROM asked)) AS theirs
            USING (click_id)
        WHERE workspace = {workspace:String}
          AND (toStartOfHour(time), click_id) IN
          (
              SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')), click_id
              FROM events
              WHERE click_id != 0 AND person IN (SELECT person FROM asked)
          )
          AND outcome = 'redirected'
          AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
    )
)
SELECT
    event_id,
    toString(any(kind)) AS kind,
    toUnixTimestamp64Milli(any(occurred_at)) AS occurred_ms,
    any(worth) AS amount_minor,
    any(refunded) AS refunded_minor,
    toString(any(currency)) AS currency,
    arraySlice(arraySort(groupArrayIf(
        (at, click_id, label),
        click_id != 0 AND at <= toUnixTimestamp64Milli(occurred_at)
            AND toUnixTimestamp64Milli(occurred_at) - at <= {look_back_ms:Int64})), -1000) AS touches
FROM asked
LEFT JOIN touched USING (person)
GROUP BY event_id
ORDER BY event_id
LIMIT {most:UInt64}
