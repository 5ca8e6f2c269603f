-- The hour of the week of a click, as selected.sql has it, where clicks are as they are stored. 1970-01-01 was a Thursday.
-- Parameters:
--   shifts, offsets  the workspace's clock: from which second on it is how many seconds ahead of UTC
modulo(intDiv(intDiv(toUnixTimestamp64Milli(time), 1000) + {offsets:Array(Int32)}[arrayLastIndex(shift -> shift <= intDiv(toUnixTimestamp64Milli(time), 1000), {shifts:Array(Int64)})] + 259200, 3600), 168)
