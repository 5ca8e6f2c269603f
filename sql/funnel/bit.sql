-- The bit of one step, or of one exclusion, that an event passes the TEST of.
bitShiftLeft(toUInt16(TEST), PLACE)
