-- When everybody clicked, under the name `clicked`: by identity, as sql/people/persons.sql has it.
--
-- first  the first click: when, in milliseconds since 1970, times 2^128, and its id
-- value, passes  its value of the dimension, and whether it passes
-- seen   when they last clicked in each interval in which they did
-- PASSES is the question's own condition on the click by which somebody came.
-- Parameters: workspace, and
--   clicks_from_ms, clicks_to_ms  which clicks, milliseconds since 1970, the end excluded
--   all_traffic  0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
--   by           a column; `nothing` where none is asked for
--   edges        where intervals begin, in seconds since 1970, ascending
, clicked AS
(
    SELECT
        identity,
        min(first_in) AS first,
        argMin(value_in, first_in) AS value,
        argMin(passes_in, first_in) AS passes,
        groupArray(last_in) AS seen
    FROM
    (
        SELECT
            identity,
            max(at) AS last_in,
            min(order) AS first_in,
            argMin(value_of, order) AS value_in,
            argMin(passes_of, order) AS passes_in
        FROM
        (
            SELECT
                '' AS nothing,
                if(visitor_id != 0, visitor_id, click_id) AS identity,
                toUnixTimestamp64Milli(time) AS at,
                -- One number, in which the earliest is the smallest, and of equal times the smallest id: tuples are compared far slower.
                bitShiftLeft(toUInt256(at), 128) + click_id AS order,
                toString({by:Identifier}) AS value_of,
                toUInt8(PASSES) AS passes_of
            FROM clicks
            WHERE workspace = {workspace:String}
              AND time >= fromUnixTimestamp64Milli({clicks_from_ms:Int64}, 'UTC')
              AND time < fromUnixTimestamp64Milli({clicks_to_ms:Int64}, 'UTC')
              -- Which granules: as in sql/query/selected.sql.
              AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({clicks_from_ms:Int64}, 1000) - 3600, 0), 'UTC')
                  AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({clicks_to_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
              AND outcome = 'redirected'
              AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
        )
        GROUP BY identity, roundDown(intDiv(at, 1000), {edges:Array(Int64)})
    )
    GROUP BY identity
)
