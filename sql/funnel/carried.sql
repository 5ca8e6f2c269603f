-- Ends sql/query/selected.sql where the clicks are those that page events carry: which need not be those that conversions carry.
-- A click's id begins with its time: the hour leads to its row by the table's key.
indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')) FROM page_identified WHERE click_id != 0))
AND click_id IN (SELECT click_id FROM page_identified WHERE click_id != 0)
