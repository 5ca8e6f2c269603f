-- Ends sql/query/selected.sql where the clicks are those to which conversions are owed.
-- A click's id begins with its time: the hour leads to its row by the table's key.
indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(owed_to, 80)), 'UTC')) FROM happened WHERE owed_to != 0))
AND click_id IN (SELECT owed_to FROM happened WHERE owed_to != 0)
