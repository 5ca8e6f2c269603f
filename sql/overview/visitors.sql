-- Visitors of all clicks together, by interval and by the values that are shown, exactly, out of one reading. Stands behind keyed.sql.
--
-- Each interval and each value that is shown is a bit of a word. A visitor's words say where they were seen, so each visitor is
-- looked up once for each click and not once for each click and breakdown; equal words are then counted together.
-- word, bit  which bit; all together are bit 0 of word 255
-- BITS, NUMBERS, MASKS and EACH have a line for each word.
SELECT word, bit, sum(visitors) AS visitors
FROM
(
    SELECT word, arrayJoin(bitPositionsToArray(mask)) AS bit, visitors
    FROM
    (
        SELECT
            toUInt8(multiIf(NUMBERS 0 = 1, 0, 255)) AS word,
            toUInt64(multiIf(MASKS 0 = 1, 0, 1)) AS mask,
            count() AS visitors
        FROM
        (
            SELECT BITS visitor_id
            FROM keyed
            WHERE visitor_id != 0
            GROUP BY visitor_id
        )
        GROUP BY GROUPING SETS (EACH ())
    )
)
GROUP BY word, bit
