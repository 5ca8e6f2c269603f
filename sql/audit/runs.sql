-- Which numbers of some buckets are stored: where each run of them begins and ends, counted from the bucket's
-- first number, ascending.
-- Parameters:
--   table           clicks or conversion_numbers
--   lanes, buckets  the buckets: the lane and the number of each
WITH
    arraySort(bitmapToArray(groupBitmapState(toUInt32(bitAnd(seq, 65535))))) AS numbers
SELECT
    lane,
    intDiv(seq, 65536) AS bucket,
    count() AS rows,
    -- The first number has none before it, and is compared with one that cannot be.
    arrayFilter((n, before) -> n != before + 1, numbers, arrayPushFront(arrayPopBack(numbers), 65536)) AS firsts,
    arrayFilter((n, after) -> n + 1 != after, numbers, arrayPushBack(arrayPopFront(numbers), 0)) AS lasts
FROM {table:Identifier}
WHERE seq > 0
  AND (lane, intDiv(seq, 65536)) IN (SELECT arrayJoin(arrayZip({lanes:Array(UInt64)}, {buckets:Array(UInt64)})))
GROUP BY lane, bucket
ORDER BY lane, bucket
