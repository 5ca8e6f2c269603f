-- The bit of a click's link, which is told by its number.
transform(value_NUMBER, {keys_FIELD:Array(UInt64)}, {bits_FIELD:Array(UInt64)}, toUInt64(0))
