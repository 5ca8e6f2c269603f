-- How many numbers of each lane are stored, by buckets of 65,536 numbers: a bitmap of 8 KiB at most holds one
-- exactly, so that the audit's memory is a bit for each row, and full buckets need no second look.
--
-- unnumbered       rows without a number, which no lane has written
-- rows, numbers    rows with one, and how many different ones they have
-- lowest, highest  of these numbers; 0 where there are none
-- Parameters:
--   table  clicks or conversion_numbers
--   lanes  only these; an empty list leaves all in
SELECT
    lane,
    intDiv(seq, 65536) AS bucket,
    countIf(seq = 0) AS unnumbered,
    countIf(seq > 0) AS rows,
    toUInt64(groupBitmapIf(toUInt32(bitAnd(seq, 65535)), seq > 0)) AS numbers,
    minIf(seq, seq > 0) AS lowest,
    max(seq) AS highest
FROM {table:Identifier}
WHERE empty({lanes:Array(UInt64)}) OR has({lanes:Array(UInt64)}, lane)
GROUP BY lane, bucket
ORDER BY lane, bucket
