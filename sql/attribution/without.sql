-- The paths of visitors who did not convert: what a model that learns from paths holds against those that did. The touches
-- are the visitor's clicks in the range, at the same millisecond in the order of their labels; alike paths are counted together.
-- Stands behind people.sql.
--
-- names  the labels that there are, each with its place as its number. A click is one number, of its milliseconds since the
--        range began and, in the lower 23 bits, of its label: numbers are gathered and sorted in half the time of texts.
--        Of more labels than 23 bits tell apart no chain could be worked out; one that comes first as the statement begins has no
--        name yet.
-- Parameters: workspace, and
--   from_ms, to_ms  when the clicks were, milliseconds since 1970, the end excluded
--   all_traffic     0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   by              a column: what touches are called by
, (
    SELECT arraySort(groupArray(name))
    FROM
    (
        SELECT DISTINCT {by:Identifier} AS name
        FROM clicks
        WHERE workspace = {workspace:String}
          AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
              AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
    )
) AS names
SELECT arrayMap(number -> toString(names[number]), numbers) AS labels, often
FROM
(
    SELECT arrayMap(touch -> toUInt32(bitAnd(touch, 8388607)), arraySlice(arraySort(touches), -1000)) AS numbers, count() AS often
    FROM
    (
        SELECT groupArray(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(time) - {from_ms:Int64}), 23)
            + transform({by:Identifier}, names, arrayEnumerate(names), toUInt32(0))) AS touches
        FROM clicks
        WHERE workspace = {workspace:String}
          AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
          AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
          -- Which granules: as in sql/query/selected.sql.
          AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
              AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
          AND outcome = 'redirected'
          AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
          AND visitor_id != 0
        GROUP BY visitor_id
        HAVING visitor_id NOT IN (SELECT visitor FROM known)
        -- Nearly all clicks pass: to read column after column for those that passed so far costs more than to read all.
        SETTINGS optimize_move_to_prewhere = 0
    )
    GROUP BY numbers
)
ORDER BY labels
