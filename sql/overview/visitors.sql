-- Visitors of all clicks together, by interval and by the values that are shown, exactly, out of one reading. Stands behind keyed.sql.
--
-- Each interval and each value that is shown is a bit of a word. A visitor's words say where they were seen, so each visitor is
-- looked up once for each click and not once for each click and breakdown. Words are cut into units of 16 bits, of which equal ones
-- are then counted together: a place in an array for each value that a unit can have, and no hash table.
-- unit, bit  which bit; all together are bit 0 of unit 255
-- BITS has a line for each word; UNITS, NUMBERS, MASKS and EACH have one for each unit.
SELECT unit, bit, sum(visitors) AS visitors
FROM
(
    SELECT unit, arrayJoin(bitPositionsToArray(mask)) AS bit, visitors
    FROM
    (
        SELECT
            toUInt8(multiIf(NUMBERS 0 = 1, 0, 255)) AS unit,
            toUInt16(multiIf(MASKS 0 = 1, 0, 1)) AS mask,
            count() AS visitors
        FROM
        (
            SELECT UNITS 1 AS one
            FROM
            (
                SELECT BITS visitor_id
                FROM keyed
                WHERE visitor_id != 0
                GROUP BY visitor_id
                -- Nearly all clicks pass: their columns at once, and not one after the other for those that passed so far.
                SETTINGS enable_multiple_prewhere_read_steps = 0
            )
        )
        GROUP BY GROUPING SETS (EACH ())
    )
)
GROUP BY unit, bit
