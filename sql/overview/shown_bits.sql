-- The bit of a click's value in a column of numbers or names, which is told by its text.
transform(toString(value_NUMBER), {keys_FIELD:Array(String)}, {bits_FIELD:Array(UInt64)}, toUInt64(0))
