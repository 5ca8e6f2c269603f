-- The values of the first click, of which each may have several, in the order of entered_by.sql.
argMin(SPLIT, bitShiftLeft(toUInt256(toUnixTimestamp64Milli(time)), 128) + click_id)
