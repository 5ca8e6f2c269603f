-- The value of the first click, of which each has one.
-- Of the clicks' order one number is made: ClickHouse compares numbers, and keeps single values, far faster than tuples and lists.
[argMin(toString({split:Identifier}), bitShiftLeft(toUInt256(toUnixTimestamp64Milli(time)), 128) + click_id)]
